// Failed log-ins of late, by where they came from.

/** Sources that are remembered; past it the one that has failed least lately is forgotten. */
const maxSources = 10_000

/** Counts in memory: what a restart forgets is less than a ban needs. */
export class FailedLogins {
  /** Monotonic instants, microseconds, of each source's failures, oldest first. In order of the last failure. */
  readonly #failures = new Map<string, number[]>()

  /** Notes one, and gives how many there were within `withinUs`, this one counted. */
  note(source: string, nowUs: number, withinUs: number): number {
    const recent = (this.#failures.get(source) ?? []).filter((atUs) => atUs > nowUs - withinUs)
    // More than the highest limit is never asked for.
    if (recent.length >= 100) recent.shift()
    recent.push(nowUs)
    this.#failures.delete(source)
    if (this.#failures.size >= maxSources) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(source, recent)
    return recent.length
  }

  forget(source: string): void {
    this.#failures.delete(source)
  }
}
