// Sessions at the NAS of who is logged in here: the key to what only its administrators may ask. In memory alone.
import type { Bus } from '../base/bus.ts'
import type { HostSession } from '../host/host-session.ts'
import type { LoginPart } from '../host/login.ts'

interface KeptSession {
  session: HostSession
  /** Opened by us, and so ended by us; else it is that of the NAS's own desktop. */
  isOpenedHere: boolean
}

/** Past it the oldest is ended. */
const maxKept = 1000

export class NasSessions {
  readonly #logins: LoginPart
  readonly #undo: () => void
  /** By the id of our own session, in the order they were opened. */
  readonly #kept = new Map<string, KeptSession>()

  constructor(logins: LoginPart, bus: Bus) {
    this.#logins = logins
    this.#undo = bus.on('session-ended', ({ sessionId }) => this.#forget(sessionId))
  }

  keep(sessionId: string, session: HostSession, isOpenedHere: boolean): void {
    this.#forget(sessionId)
    if (this.#kept.size >= maxKept) this.#forget(this.#kept.keys().next().value!)
    this.#kept.set(sessionId, { session, isOpenedHere })
  }

  of(sessionId: string): HostSession | undefined {
    return this.#kept.get(sessionId)?.session
  }

  /** The newest one of an administrator; undefined where none is logged in. */
  administrator(): HostSession | undefined {
    return [...this.#kept.values()].findLast(({ session }) => session.isAdministrator)?.session
  }

  /** Lets go of those that the NAS no longer knows. Asking keeps the others alive there. */
  async dropEnded(): Promise<void> {
    for (const [sessionId, { session }] of [...this.#kept]) {
      const alive = await this.#logins.isAlive(session)
      if (alive.isFound && !alive.value) this.#kept.delete(sessionId)
    }
  }

  /** Ends a session that nobody keeps. What cannot be ended ends by itself. */
  end(session: HostSession): void {
    void this.#logins.end(session)
  }

  /** Ends all that were opened here. */
  async close(): Promise<void> {
    this.#undo()
    const opened = [...this.#kept.values()].filter(({ isOpenedHere }) => isOpenedHere)
    this.#kept.clear()
    await Promise.all(opened.map(({ session }) => this.#logins.end(session)))
  }

  #forget(sessionId: string): void {
    const kept = this.#kept.get(sessionId)
    this.#kept.delete(sessionId)
    if (kept?.isOpenedHere) this.end(kept.session)
  }
}
