// Logging in by being logged in at the NAS's own desktop, whose cookies come along with our page's requests.
import { createHash } from 'node:crypto'
import type { Request } from 'express'
import type { NasSignOn } from '../../shared/nas.ts'
import type { Clock } from '../base/clock.ts'
import type { SettingStore } from '../db/setting-store.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { HostCookies } from '../host/login.ts'
import { cookieOf } from '../http/cookies.ts'
import type { AccountService } from './account-service.ts'
import type { LoginLimit } from './login-limit.ts'
import type { LoginOutcome, LoginService } from './login-service.ts'
import type { NasMirror } from './nas-mirror.ts'

export interface NasSignOnOptions {
  host: Pick<Host, 'logins'>
  settings: SettingStore
  accounts: AccountService
  mirror: NasMirror
  limit: LoginLimit
  logins: LoginService
  clock: Clock
}

export type SignOnOutcome =
  | { kind: 'passed'; account: Express.User; session: HostSession; isOpenedHere: boolean }
  /** Nobody who could be logged in, and why; nothing was asked of the NAS. */
  | { kind: 'none'; reason: string }
  | Exclude<LoginOutcome, { kind: 'passed' }>

const settingName = 'nas-sign-on'

/** Who has logged out is not logged in again by the page alone for so long. */
const quietMs = 600_000
const maxRemembered = 1000

export class NasSignOnService {
  readonly #options: NasSignOnOptions
  /** Desktops of the NAS from which somebody logged out here, by the hash of their session, and when. */
  readonly #quiet = new Map<string, number>()
  /** Those that the NAS knows no more, and will not again: a page that is opened often with old cookies costs one try. */
  readonly #stale = new Map<string, number>()

  constructor(options: NasSignOnOptions) {
    this.#options = options
  }

  async get(): Promise<NasSignOn> {
    return (await this.#options.settings.get<NasSignOn>(settingName)) ?? { isOn: true }
  }

  async set(next: NasSignOn): Promise<void> {
    await this.#options.settings.set(settingName, next)
  }

  /** Notes that somebody logged out on purpose in a browser that is logged in at the NAS. */
  noteLogOut(request: Request): void {
    const cookies = nasCookiesOf(request)
    if (cookies === undefined) return
    remember(this.#quiet, keyOf(cookies), this.#nowMs())
  }

  /**
   * Asks the NAS whose desktop the request's cookies are from. `isAsked` where a person wished for it, not the page alone.
   * The second step was the desktop's to ask for, so none is asked for here.
   */
  async logIn(request: Request, isAsked: boolean): Promise<SignOnOutcome> {
    const { accounts, host, limit, logins, mirror } = this.#options
    if (!(await this.get()).isOn) return none('logging in by way of the NAS is switched off')
    if (!isFromOwnPage(request)) return none('only a page of this server may ask for this')
    const cookies = nasCookiesOf(request)
    if (cookies === undefined) return none('this browser is not logged in at the NAS, or not under this address')
    if (!isAsked && this.#isQuiet(cookies)) return none('you have just logged out')
    if (this.#stale.has(keyOf(cookies))) return none(unknown)
    const address = request.ip ?? ''
    const refusal = await limit.take(cookies.name, address)
    if (refusal !== undefined) return { kind: 'limited', waitSec: refusal.waitSec }
    const resumed = await host.logins.resume(cookies)
    if (!resumed.isFound) return { kind: 'unreachable', reason: `the NAS did not answer: ${resumed.reason}` }
    if (resumed.value === undefined) {
      remember(this.#stale, keyOf(cookies), this.#nowMs())
      await logins.note({ kind: 'wrong' }, cookies.name, address)
      return none(unknown)
    }
    const { session, isOpenedHere } = resumed.value
    const account = accounts.asUser(await mirror.admit(session))
    this.#quiet.delete(keyOf(cookies))
    await logins.note({ kind: 'passed', account }, account.username, address)
    return { kind: 'passed', account, session, isOpenedHere }
  }

  #isQuiet(cookies: HostCookies): boolean {
    const sinceMs = this.#quiet.get(keyOf(cookies))
    return sinceMs !== undefined && this.#nowMs() - sinceMs < quietMs
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

const unknown = 'the NAS knows this log-in no more'

/** The oldest goes where there are too many. */
function remember(map: Map<string, number>, key: string, atMs: number): void {
  map.delete(key)
  if (map.size >= maxRemembered) map.delete(map.keys().next().value!)
  map.set(key, atMs)
}

/**
 * Whether a page of this very origin sent the request, by what only browsers write: `Sec-Fetch-Site` (Fetch Metadata), and
 * `Origin`, which every POST of a browser has. Whoever sends neither holds no cookies of somebody else, and is refused
 * all the same.
 */
function isFromOwnPage(request: Request): boolean {
  const site = request.get('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin') return false
  const origin = request.get('origin')
  if (origin === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === request.host
}

/** The cookies QTS's desktop sets; undefined where they name nobody. */
function nasCookiesOf(request: Request): HostCookies | undefined {
  const [name, sessionId, rememberToken] = ['NAS_USER', 'NAS_SID', 'qtoken'].map((one) => cookieOf(request, one))
  if (name === undefined || name.length > 64 || (sessionId === undefined && rememberToken === undefined))
    return undefined
  return { name, sessionId, rememberToken }
}

function keyOf({ name, sessionId, rememberToken }: HostCookies): string {
  return createHash('sha256')
    .update(`${name}\n${sessionId ?? rememberToken}`)
    .digest('hex')
}

function none(reason: string): SignOnOutcome {
  return { kind: 'none', reason }
}
