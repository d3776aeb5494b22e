// Sessions of clients that carry their id in the address, as QVR Pro's do: `sid`.
import { randomBytes } from 'node:crypto'
import type { AccountService } from '../account/account-service.ts'
import type { Account } from '../account/account-store.ts'
import type { Clock } from '../base/clock.ts'

interface SidSession {
  accountId: string
  startedMs: number
  seenMs: number
}

/** A session that was not used for so long is over; clients ask for theirs every half minute. */
const idleMs = 30 * 60_000
const maxSessions = 10_000

/** Kept in memory: after a restart clients log in again, as they do when theirs has expired. */
export class SidSessions {
  readonly #accounts: AccountService
  readonly #clock: Clock
  /** In the order they were made. */
  readonly #sessions = new Map<string, SidSession>()

  constructor(accounts: AccountService, clock: Clock) {
    this.#accounts = accounts
    this.#clock = clock
  }

  /** Gives the new session's id: 32 hexadecimal digits. Past 10,000 the oldest session ends. */
  start(accountId: string): string {
    const sid = randomBytes(16).toString('hex')
    const nowMs = this.#nowMs()
    for (const [old, { seenMs }] of this.#sessions) {
      if (nowMs - seenMs > idleMs || this.#sessions.size >= maxSessions) this.#sessions.delete(old)
      else break
    }
    this.#sessions.set(sid, { accountId, startedMs: nowMs, seenMs: nowMs })
    return sid
  }

  /** Whose session it is; undefined where it is none, or is over: idle, the account disabled, its password changed. */
  async accountOf(sid: string): Promise<Account | undefined> {
    const session = this.#sessions.get(sid)
    if (session === undefined) return undefined
    const nowMs = this.#nowMs()
    const account = await this.#accounts.get(session.accountId)
    const isOver = nowMs - session.seenMs > idleMs || !account?.isEnabled
    if (isOver || account.passwordChangedMs > session.startedMs) {
      this.#sessions.delete(sid)
      return undefined
    }
    session.seenMs = nowMs
    return account
  }

  end(sid: string): void {
    this.#sessions.delete(sid)
  }

  #nowMs(): number {
    return Math.floor(this.#clock.utcUs() / 1000)
  }
}
