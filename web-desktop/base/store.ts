// A value that can be watched, and what it takes to be watched.

/** Anything that tells when it changed. `subscribe` returns its own undoing. */
export interface Followable {
  subscribe(listener: () => void): () => void
}

/** One value and those who watch it. Listeners are called after the change, in the order they came. */
export class Store<T> implements Followable {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
