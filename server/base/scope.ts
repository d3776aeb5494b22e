// What was started is stopped again, last first.

/** Holds what must be undone, and undoes it once, in reverse order. Nothing outlives its owner. */
export class Scope {
  #undoings: (() => void | Promise<void>)[] = []
  #closing: Promise<void> | undefined

  /** Registers an undoing. Given to a closed scope, it is run at once. */
  add(undo: () => void | Promise<void>): void {
    if (this.#closing !== undefined) void Promise.resolve().then(undo)
    else this.#undoings.push(undo)
  }

  /** Undoes everything, last first. One that fails does not keep the others; the first failure is thrown at the end. */
  close(): Promise<void> {
    this.#closing ??= this.#run()
    return this.#closing
  }

  async #run(): Promise<void> {
    let failure: unknown
    for (const undo of this.#undoings.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }
}
