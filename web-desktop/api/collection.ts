// A list of the server's that is fetched once and then kept true by the push.
import type { Failure } from '../../shared/failure.ts'
import type { Followable } from '../base/store.ts'
import { messageOf } from './client.ts'
import { push } from './push.ts'

export type CollectionState = 'idle' | 'loading' | 'ready' | 'failed'

/**
 * A keyed list: fetched at its first `load`, patched by push messages, fetched again after the push was lost, since
 * what was pushed meanwhile went by.
 */
export class Collection<T> implements Followable {
  state: CollectionState = 'idle'
  failure = ''
  readonly #fetchAll: () => Promise<T[]>
  readonly #keyOf: (item: T) => string
  readonly #byKey = new Map<string, T>()
  readonly #listeners = new Set<() => void>()
  #list: T[] | undefined = []
  #order: ((a: T, b: T) => number) | undefined

  constructor(fetchAll: () => Promise<T[]>, keyOf: (item: T) => string, order?: (a: T, b: T) => number) {
    this.#fetchAll = fetchAll
    this.#keyOf = keyOf
    this.#order = order
    push.on('hello', () => {
      if (this.state !== 'idle') void this.load()
    })
  }

  /** All items, in the collection's order. The array is not to be written to. */
  get list(): T[] {
    if (this.#list === undefined) {
      this.#list = [...this.#byKey.values()]
      if (this.#order !== undefined) this.#list.sort(this.#order)
    }
    return this.#list
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key)
  }

  /** Fetches it, once if nothing went wrong. What is shown stays until the answer is there. */
  async load(): Promise<void> {
    if (this.state === 'loading') return
    const isFirst = this.state !== 'ready'
    this.state = isFirst ? 'loading' : 'ready'
    if (isFirst) this.#tell()
    try {
      const items = await this.#fetchAll()
      this.#byKey.clear()
      for (const item of items) this.#byKey.set(this.#keyOf(item), item)
      this.state = 'ready'
      this.failure = ''
    } catch (caught) {
      this.failure = messageOf(caught as Failure)
      if (isFirst) this.state = 'failed'
    }
    this.#tell()
  }

  put(...items: T[]): void {
    for (const item of items) this.#byKey.set(this.#keyOf(item), item)
    this.#tell()
  }

  remove(key: string): void {
    if (this.#byKey.delete(key)) this.#tell()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (this.state === 'idle') void this.load()
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    this.#list = undefined
    for (const listener of [...this.#listeners]) listener()
  }
}
