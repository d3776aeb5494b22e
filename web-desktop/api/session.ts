// Who is logged in, as the whole page knows it.
import type { Session } from '../../shared/account.ts'
import { Store } from '../base/store.ts'

/** The session, or undefined before log-in. `isEnded` turns true when the server no longer knows it. */
class SessionStore extends Store<Session | undefined> {
  readonly isEnded = new Store(false)

  start(next: Session): void {
    this.set(next)
    this.isEnded.set(false)
  }

  /** Said once by whoever hears it first: a 401, or the push. Ignored before log-in. */
  end(): void {
    if (this.value !== undefined) this.isEnded.set(true)
  }
}

export const session = new SessionStore(undefined)
