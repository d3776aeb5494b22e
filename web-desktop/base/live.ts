import type { ReactiveController, ReactiveControllerHost } from 'lit'
import type { Followable } from './store.ts'

/** Follows a store or collection for as long as its element is in the page, and renders the element on each change. */
export class Live<S extends Followable> implements ReactiveController {
  readonly source: S
  readonly #host: ReactiveControllerHost
  #stop: (() => void) | undefined

  constructor(host: ReactiveControllerHost, source: S) {
    this.source = source
    this.#host = host
    host.addController(this)
  }

  hostConnected(): void {
    this.#stop = this.source.subscribe(() => this.#host.requestUpdate())
    this.#host.requestUpdate()
  }

  hostDisconnected(): void {
    this.#stop?.()
    this.#stop = undefined
  }
}
