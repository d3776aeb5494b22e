// Typed occurrences: how a lower rung tells a higher one what happened, without knowing who listens.
import type { Camera } from '../../shared/camera.ts'
import type { LogEntry } from '../../shared/log.ts'
import type { Space } from '../../shared/space.ts'
import type { Logger } from './logger.ts'

/** Every occurrence, and what is told with it. */
export interface Occurrences {
  'camera-changed': { camera: Camera }
  /** The camera's row is gone; `hasFootageRemoved` where its footage is to go with it. */
  'camera-removed': { cameraId: string; hasFootageRemoved: boolean }
  'space-changed': { space: Space }
  'space-removed': { spaceId: string }
  /** A viewer has confirmed a live picture; told once a connection. */
  'picture-seen': Record<string, never>
  logged: { entry: LogEntry }
  /** A wrong name or password was given; `address` as trusted proxies tell it. */
  'login-failed': { username: string; address: string }
  /** Sessions that were ended by the server or the user: all of an account but one, or one by its id. */
  'session-ended': { sessionId: string }
}

type Listener<T> = (occurrence: T) => void | Promise<void>

export class Bus {
  readonly #listeners = new Map<keyof Occurrences, Set<Listener<never>>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Calls `listener` after each such occurrence, in order of subscribing. Gives its undoing. */
  on<Name extends keyof Occurrences>(name: Name, listener: Listener<Occurrences[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener as Listener<never>)
    return () => listeners.delete(listener as Listener<never>)
  }

  /** Tells every listener. One that fails is logged and keeps neither the others nor the teller. */
  emit<Name extends keyof Occurrences>(name: Name, occurrence: Occurrences[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const done = (listener as Listener<Occurrences[Name]>)(occurrence)
        if (done instanceof Promise) done.catch((error) => this.#logFailed(name, error))
      } catch (error) {
        this.#logFailed(name, error)
      }
    }
  }

  #logFailed(name: string, error: unknown): void {
    this.#logger.error({ err: error, occurrence: name }, 'a listener failed')
  }
}
