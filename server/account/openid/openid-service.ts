// Logging in with a provider of OpenID Connect, as it is set.

import { Failure } from '../../../shared/failure.ts'
import type { OpenidFailure, OpenidPatch, OpenidSettings } from '../../../shared/openid.ts'
import type { Clock } from '../../base/clock.ts'
import type { Seal } from '../../base/seal.ts'
import type { SettingStore } from '../../db/setting-store.ts'
import type { AccountService } from '../account-service.ts'
import type { Account } from '../account-store.ts'
import { isOwnMachine, type OpenidPerson, OpenidProvider, type OpenidTrip } from './openid-provider.ts'

export interface OpenidOptions {
  settings: SettingStore
  seal: Seal
  accounts: AccountService
  clock: Clock
}

type Kept = Omit<OpenidSettings, 'hasClientSecret'> & { clientSecretSealed: string }

/** What came of the way back. */
export type OpenidOutcome =
  | { kind: 'passed'; account: Account; path: string }
  | { kind: 'failed'; why: OpenidFailure; detail: string; username: string; path: string }

const settingName = 'openid'
const secretContext = 'openid:client-secret'
const tripContext = 'openid:trip'
/** How long somebody may take to log in at the provider. */
const tripMs = 10 * 60_000

const unset: Kept = {
  ...{ isOn: false, label: '', issuer: '', clientId: '', clientSecretSealed: '', scopes: 'openid profile email' },
  ...{ usernameClaim: 'preferred_username', groupsClaim: 'groups', loginGroup: '', administratorsGroup: '' },
  ...{ makesAccounts: true, publicUrl: '' },
}

export class OpenidService {
  readonly #options: OpenidOptions
  #kept: Kept
  #provider: OpenidProvider | undefined
  /** States that came back, until they would be too old anyway: none is taken twice. */
  readonly #used = new Map<string, number>()

  private constructor(options: OpenidOptions, kept: Kept) {
    this.#options = options
    this.#kept = kept
  }

  static async open(options: OpenidOptions): Promise<OpenidService> {
    return new OpenidService(options, { ...unset, ...(await options.settings.get<Partial<Kept>>(settingName)) })
  }

  get(): OpenidSettings {
    const { clientSecretSealed, ...rest } = this.#kept
    return { ...rest, hasClientSecret: clientSecretSealed !== '' }
  }

  /** What the log-in page calls the provider; undefined where there is none. */
  get label(): string | undefined {
    return this.#kept.isOn ? this.#kept.label || new URL(this.#kept.issuer).hostname : undefined
  }

  /** Fails `invalid` where it is to be on and something it needs is missing or wrong. */
  async set({ clientSecret, ...patch }: OpenidPatch): Promise<OpenidSettings> {
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
    const next: Kept = { ...this.#kept, ...given }
    if (clientSecret !== undefined) {
      next.clientSecretSealed = clientSecret === '' ? '' : this.#options.seal.seal(clientSecret, secretContext)
    } else if (next.issuer !== this.#kept.issuer) {
      // A secret is for the provider it was given for.
      next.clientSecretSealed = ''
    }
    check(next)
    await this.#options.settings.set(settingName, next)
    this.#kept = next
    this.#provider = undefined
    return this.get()
  }

  /** Where to send a browser, and the sealed note it must bring back. `origin` and `path` are of our own page. */
  async begin(origin: string, path: string): Promise<{ url: string; note: string }> {
    if (!this.#kept.isOn) throw new Failure('not-found', 'no provider is set up')
    const base = this.#kept.publicUrl || `${origin}${path}`
    const { url, trip } = await this.#open().begin(`${base}api/openid/callback`, path, this.#nowMs())
    return { url, note: this.#options.seal.seal(JSON.stringify(trip), tripContext) }
  }

  /** Takes who came back, with the note that `begin` gave and the query of the address they came to. */
  async finish(note: string | undefined, query: string, basePath: string): Promise<OpenidOutcome> {
    const trip = this.#tripOf(note)
    if (trip === undefined) return failed('refused', 'the browser brought no note, or an old one', '', basePath)
    const { path } = trip
    if (new URLSearchParams(query).get('error') === 'access_denied')
      return failed('cancelled', 'was cancelled', '', path)
    let person: OpenidPerson
    try {
      person = await this.#open().finish(query, trip)
    } catch (error) {
      const isAway = error instanceof Failure && error.kind === 'unreachable'
      return failed(isAway ? 'unreachable' : 'refused', (error as Error).message, '', path)
    }
    return this.#admit(person, path)
  }

  async #admit({ issuer, subject, claims }: OpenidPerson, path: string): Promise<OpenidOutcome> {
    const { usernameClaim, groupsClaim, loginGroup, administratorsGroup, makesAccounts } = this.#kept
    const username = textOf(claims[usernameClaim]) || textOf(claims['email']) || subject
    const groups = [claims[groupsClaim]].flat().map(textOf)
    if (loginGroup !== '' && !groups.includes(loginGroup)) {
      return failed('not-in-group', `is not in the group ${loginGroup}`, username, path)
    }
    // Only the provider's own id links accounts: a mail address can be written by whoever signs up there.
    const sourceId = `${issuer} ${subject}`.slice(0, 255)
    const { accounts } = this.#options
    if (!makesAccounts && (await accounts.getBySource('openid', sourceId)) === undefined) {
      return failed('no-account', 'has no account here', username, path)
    }
    try {
      const account = await accounts.mirror({
        ...{ source: 'openid' as const, sourceId, username: username.slice(0, 64) },
        email: claims['email_verified'] === false ? '' : textOf(claims['email']).slice(0, 254),
        isAdministrator: administratorsGroup !== '' && groups.includes(administratorsGroup),
      })
      if (!account.isEnabled) return failed('disabled', 'the account is disabled', username, path)
      return { kind: 'passed', account, path }
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'conflict') throw error
      return failed('name-taken', error.message, username, path)
    }
  }

  /** What a note says, once: undefined where it is not ours, too old, or was brought before. */
  #tripOf(note: string | undefined): OpenidTrip | undefined {
    const nowMs = this.#nowMs()
    for (const [state, startedMs] of this.#used) if (nowMs - startedMs > tripMs) this.#used.delete(state)
    try {
      const trip = JSON.parse(this.#options.seal.unseal(note ?? '', tripContext)) as OpenidTrip
      if (nowMs - trip.startedMs > tripMs || this.#used.has(trip.state)) return undefined
      this.#used.set(trip.state, trip.startedMs)
      return trip
    } catch {
      return undefined
    }
  }

  #open(): OpenidProvider {
    const { issuer, clientId, clientSecretSealed, scopes } = this.#kept
    const clientSecret = clientSecretSealed === '' ? '' : this.#options.seal.unseal(clientSecretSealed, secretContext)
    this.#provider ??= new OpenidProvider({ issuer, clientId, clientSecret, scopes })
    return this.#provider
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function check({ isOn, issuer, clientId, scopes, usernameClaim, publicUrl }: Kept): void {
  if (publicUrl !== '' && !(isWebAddress(publicUrl) && publicUrl.endsWith('/'))) {
    throw invalid('publicUrl', 'must be http:// or https:// and end with /')
  }
  if (!isOn) return
  if (!isWebAddress(issuer)) throw invalid('issuer', 'must be an https:// address')
  const url = new URL(issuer)
  if (url.protocol === 'http:' && !isOwnMachine(url)) {
    throw invalid('issuer', 'must be an https:// address: what comes from there decides who logs in')
  }
  if (clientId === '') throw invalid('clientId', 'is needed: the provider gives it')
  if (!scopes.split(/\s+/).includes('openid')) throw invalid('scopes', 'must hold openid')
  if (usernameClaim === '') throw invalid('usernameClaim', 'is needed')
}

function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)
}

function invalid(field: string, finding: string): Failure {
  return new Failure('invalid', `${field}: ${finding}`, { field })
}

function failed(why: OpenidFailure, detail: string, username: string, path: string): OpenidOutcome {
  return { kind: 'failed', why, detail, username, path }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}
