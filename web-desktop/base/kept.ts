// Small things a user chose, kept in this browser under that user's name.

/** What was kept under `key` for `username`, or undefined where there is none or it cannot be read. */
export function readKept(username: string, key: string): unknown {
  try {
    const text = localStorage.getItem(`nj-${key}-${username}`)
    return text === null ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Keeps `value`; where the browser has no room or forbids it, the choice lasts as long as the page. */
export function keep(username: string, key: string, value: unknown): void {
  try {
    localStorage.setItem(`nj-${key}-${username}`, JSON.stringify(value))
  } catch {
    return
  }
}
