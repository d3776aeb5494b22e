// Login sessions: kept in the settings database, named by a cookie that only this server's path sees.
import { ConnectSessionKnexStore } from 'connect-session-knex'
import type { Request, RequestHandler } from 'express'
import session, { type SessionData } from 'express-session'
import type { Logger } from '../base/logger.ts'
import type { Database } from '../db/database.ts'

type Done = (error?: unknown) => void

/** A login, as it is kept. `sid` is the secret that its cookie holds. */
export interface LoginSession {
  sid: string
  accountId: string
  data: Partial<SessionData>
}

/**
 * The session table. What connect-session-knex does, made safe for a database that goes away: its methods call back
 * with an error *and* reject, and an unhandled rejection would end the server.
 */
export class SessionStore extends ConnectSessionKnexStore {
  readonly #database: Database

  constructor(database: Database, logger: Logger) {
    super({
      knex: database.knex,
      tableName: 'session',
      createTable: false,
      cleanupInterval: 600_000,
      onDbCleanupError: (error) => logger.warn({ err: error }, 'old sessions could not be removed'),
    })
    this.#database = database
    this.ready.catch(() => {})
  }

  override get(
    sid: string,
    callback: (error: unknown, session?: SessionData | null) => void,
  ): Promise<SessionData | null> {
    return super.get(sid, callback).catch(() => null)
  }

  override set(sid: string, data: SessionData, callback?: Done): Promise<void> {
    return super.set(sid, data, callback).catch(() => {})
  }

  override destroy(sid: string, callback?: Done): Promise<number> {
    return super.destroy(sid, callback).catch(() => 0)
  }

  /** Does nothing: a write a request would sync the disk each time. `keepSession` writes once an hour instead. */
  override async touch(_sid: string, _data: SessionData, callback?: () => void): Promise<void> {
    callback?.()
  }

  /** Prolongs a session that is in use by an open socket. Gives false where it is there no more. */
  async keep(sid: string, sessionMs: number): Promise<boolean> {
    const data = await super.get(sid, () => {})
    if (data === null) return false
    const cookie = { ...data.cookie, expires: new Date(Date.now() + sessionMs) }
    // The store reads `maxAge` for its column; the stored JSON has `expires` alone, as express-session writes it.
    Object.defineProperty(cookie, 'maxAge', { value: sessionMs, enumerable: false })
    await super.set(sid, { ...data, cookie: cookie as SessionData['cookie'] })
    return true
  }

  /** The sessions of everybody who is logged in. */
  async listOpen(): Promise<LoginSession[]> {
    const rows: { sid: string; sess: string }[] = await this.#database.knex('session').select('sid', 'sess')
    return rows.flatMap(({ sid, sess }) => {
      const data = JSON.parse(sess) as SessionData & { passport?: { user?: string } }
      const accountId = data.passport?.user
      // Those that are over are removed every few minutes only.
      const isOver = Date.parse(String(data.cookie.expires)) <= Date.now()
      return accountId === undefined || isOver ? [] : [{ sid, accountId, data }]
    })
  }

  /** Ends all sessions of an account but one, and gives the ids of those ended. */
  async endSessionsOf(accountId: string, exceptSid?: string): Promise<string[]> {
    const ended = (await this.listOpen())
      .filter((one) => one.sid !== exceptSid && one.accountId === accountId)
      .map(({ sid }) => sid)
    await this.#database.knex('session').whereIn('sid', ended).del()
    return ended
  }

  stop(): void {
    clearTimeout(this.nextDbCleanup)
    this.options.cleanupInterval = 0
  }
}

export interface SessionOptions {
  store: SessionStore
  /** Signs the cookie. */
  secret: string
  basePath: string
  /** Part of the cookie's name: two servers on one host, at different ports, share its cookies. */
  serverId: string
  sessionHours: number
  now: () => number
}

/**
 * Reads the session of each request, and sends the cookie again once an hour while it is used.
 *
 * Under TLS the cookie has a name of its own: a browser that has it marked `Secure` lets no page on plain HTTP of the
 * same host set one of that name (RFC 6265bis §5.7), and nobody could log in there any more.
 */
export function sessionMiddleware(options: SessionOptions): RequestHandler[] {
  const name = `nightjar-${options.serverId.slice(0, 8)}`
  const [plain, secure] = [sessionReader(options, name), sessionReader(options, `${name}-tls`)]
  const read: RequestHandler = (request, response, next) => (request.secure ? secure : plain)(request, response, next)
  const keep: RequestHandler = (request, _response, next) => {
    const { session: current } = request
    if (current?.csrfToken !== undefined && options.now() - (current.keptMs ?? 0) > 3_600_000) {
      current.keptMs = options.now()
    }
    next()
  }
  return [read, keep]
}

function sessionReader(options: SessionOptions, name: string): RequestHandler {
  return session({
    store: options.store,
    secret: options.secret,
    name,
    resave: false,
    saveUninitialized: false,
    cookie: {
      path: options.basePath,
      httpOnly: true,
      sameSite: 'lax',
      secure: 'auto',
      maxAge: options.sessionHours * 3_600_000,
    },
  })
}

/**
 * The path the browser sees this server under, for the cookie: `/nas/qvrpro/` where a proxy adds `/nas`.
 *
 * The server cannot see a proxy's prefix, but the page that logs in knows its own address and says it in `Referer`.
 * A client without one gets the base path.
 */
export function cookiePathOf(request: Request, basePath: string): string {
  const referer = request.get('referer')
  if (referer === undefined || !URL.canParse(referer)) return basePath
  const { pathname } = new URL(referer)
  const api = pathname.indexOf('/api/')
  const folder = api >= 0 ? pathname.slice(0, api + 1) : pathname.slice(0, pathname.lastIndexOf('/') + 1)
  return /^\/[A-Za-z0-9._~%/-]*$/.test(folder) ? folder : basePath
}
