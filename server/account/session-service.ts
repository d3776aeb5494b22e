// Logins that are open: who, from where, since when; ended one by one, all of an account, or by themselves when idle.
import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { OpenSession } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { SessionStore } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountPolicies } from './account-policy.ts'
import type { AccountService } from './account-service.ts'

declare module 'express-session' {
  interface SessionData {
    /** Of the login. */
    startedMs: number
    address: string
    userAgent: string
  }
}

export interface SessionServiceOptions {
  sessions: SessionStore
  accounts: AccountService
  policies: AccountPolicies
  log: LogService
  bus: Bus
  clock: Clock
  logger: Logger
}

/** How often idle sessions are looked for. */
const sweepMs = 15_000

export class SessionService {
  readonly #options: SessionServiceOptions
  /** When each session was last used, by its secret id. What was not used since this start counts from the start. */
  readonly #seenMs = new Map<string, number>()
  readonly #startedMs: number
  readonly #timer: NodeJS.Timeout

  constructor(options: SessionServiceOptions) {
    this.#options = options
    this.#startedMs = this.#nowMs()
    this.#timer = setInterval(() => {
      this.endIdle().catch((error) => options.logger.warn({ err: error }, 'idle sessions could not be ended'))
    }, sweepMs)
    this.#timer.unref()
  }

  /** Notes each request of a session. Requests that a page makes by itself say so, and count for nothing. */
  readonly middleware: RequestHandler = (request, _response, next) => {
    if (request.user !== undefined && request.get('x-nightjar-unattended') === undefined) {
      this.#seenMs.set(request.sessionID, this.#nowMs())
    }
    next()
  }

  /** Newest first: all of them, or those of one account. `thisSid` is the session of whoever asks. */
  async list(thisSid: string, accountId?: string): Promise<OpenSession[]> {
    const names = new Map((await this.#options.accounts.list()).map((account) => [account.id, account.username]))
    return (await this.#options.sessions.listOpen())
      .filter((one) => names.has(one.accountId) && (accountId === undefined || one.accountId === accountId))
      .map(({ sid, accountId: owner, data }) => ({
        id: publicId(sid),
        username: names.get(owner)!,
        address: data.address ?? '',
        userAgent: data.userAgent ?? '',
        startedMs: data.startedMs ?? 0,
        lastSeenMs: this.#seenMs.get(sid) ?? Math.max(data.keptMs ?? 0, data.startedMs ?? 0),
        isThis: sid === thisSid,
      }))
      .sort((a, b) => b.startedMs - a.startedMs)
  }

  /** Ends one session, of any account or of `accountId` only. Fails `not-found`. */
  async end(id: string, accountId?: string): Promise<void> {
    const open = await this.#options.sessions.listOpen()
    const found = open.find(
      (one) => publicId(one.sid) === id && (accountId === undefined || one.accountId === accountId),
    )
    if (found === undefined) throw new Failure('not-found', 'end session: it is open no more')
    await this.#end(found.sid)
  }

  /** Ends all sessions of an account, but the one of `exceptSid`. */
  async endAllOf(accountId: string, exceptSid?: string): Promise<void> {
    for (const sid of await this.#options.sessions.endSessionsOf(accountId, exceptSid)) this.#forget(sid)
  }

  /** Ends what nobody has used for longer than the policy allows. Called by itself; also at once after a change of it. */
  async endIdle(): Promise<void> {
    const idleMs = this.#options.policies.get().idleMinutes * 60_000
    if (idleMs === 0) return
    const nowMs = this.#nowMs()
    for (const { sid, accountId, data } of await this.#options.sessions.listOpen()) {
      const seenMs = this.#seenMs.get(sid) ?? Math.max(this.#startedMs, data.startedMs ?? 0)
      if (nowMs - seenMs <= idleMs) continue
      await this.#end(sid)
      const account = await this.#options.accounts.get(accountId)
      if (account === undefined) continue
      const { username } = account
      this.#options.log.record({
        kind: 'connection',
        level: 'info',
        name: 'logged-out-idle',
        message: `${username} was logged out after ${Math.round(idleMs / 60_000)} idle minutes`,
        by: { username, ...(data.address === undefined ? {} : { address: data.address }) },
      })
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #end(sid: string): Promise<void> {
    await this.#options.sessions.destroy(sid)
    this.#forget(sid)
  }

  #forget(sid: string): void {
    this.#seenMs.delete(sid)
    this.#options.bus.emit('session-ended', { sessionId: sid })
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

/** A session's own id opens it: what is shown of it must not. */
function publicId(sid: string): string {
  return createHash('sha256').update(sid).digest('hex').slice(0, 16)
}
