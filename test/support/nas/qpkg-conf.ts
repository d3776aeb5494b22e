// /etc/config/qpkg.conf as the programs of a simulated NAS read it: a section a package, in file order.

export interface Section {
  name: string
  /** The first value of a key, or undefined. */
  get(key: string): string | undefined
  entries: [key: string, value: string][]
}

/** `isStrict`: capitals count. */
export function sectionsOf(text: string, isStrict = true): Section[] {
  const same = (a: string, b: string) => (isStrict ? a === b : a.toLowerCase() === b.toLowerCase())
  const sections: Section[] = []
  for (const line of text.split('\n')) {
    const name = /^\s*\[(.*)\]\s*$/.exec(line)?.[1]
    const at = line.indexOf('=')
    if (name !== undefined) {
      const entries: Section['entries'] = []
      sections.push({ name, entries, get: (key) => entries.find(([one]) => same(one, key))?.[1] })
    } else if (at > 0 && !/^\s*[#;]/.test(line)) {
      sections.at(-1)?.entries.push([line.slice(0, at).trim(), line.slice(at + 1).trim()])
    }
  }
  return sections
}
