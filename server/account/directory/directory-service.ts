// The directory as it is set: its people log in, are taken in ahead, and go when they are gone there.
import type { DirectoryPatch, DirectoryPerson, DirectorySettings, DirectoryTest } from '../../../shared/directory.ts'
import { Failure } from '../../../shared/failure.ts'
import type { Logger } from '../../base/logger.ts'
import type { Seal } from '../../base/seal.ts'
import type { SettingStore } from '../../db/setting-store.ts'
import type { AccountService } from '../account-service.ts'
import type { Account } from '../account-store.ts'
import type { LoginSource, SourceOutcome } from '../login-source.ts'
import { Directory, type Membership, type Person } from './directory.ts'

export interface DirectoryOptions {
  settings: SettingStore
  seal: Seal
  accounts: AccountService
  endSessionsOf: (accountId: string) => Promise<void>
  logger: Logger
  /** Milliseconds between two looks at whether everybody is still there. */
  everyMs?: number
}

type Kept = Omit<DirectorySettings, 'hasBindPassword'> & { bindPasswordSealed: string }

const settingName = 'directory'
const sealContext = 'directory:bind-password'
const defaultEveryMs = 10 * 60_000

const unset: Kept = {
  ...{ isOn: false, kind: 'openldap', servers: [], allowsPlain: false, authorityPem: '' },
  ...{ bindDn: '', bindPasswordSealed: '', baseDn: '', userFilter: '', groupBaseDn: '' },
  ...{ loginGroupDn: '', administratorsGroupDn: '', timeoutSec: 5 },
}

/** What somebody with a right password is told whom the directory does not let in. */
const refusals = {
  hours: 'the directory does not let you log in at this time or from this machine',
  'password-expired': 'your password has expired: change it at a computer of your domain',
  'must-change': 'your password must be changed first, at a computer of your domain',
  'account-expired': 'your account has expired: ask whoever keeps the directory',
} as const

export class DirectoryService implements LoginSource {
  readonly name = 'directory'
  readonly #options: DirectoryOptions
  readonly #timer: NodeJS.Timeout
  #kept: Kept

  private constructor(options: DirectoryOptions, kept: Kept) {
    this.#options = options
    this.#kept = kept
    this.#timer = setInterval(() => {
      this.review().catch((error) => options.logger.warn({ err: error }, 'the directory could not be compared'))
    }, options.everyMs ?? defaultEveryMs)
    this.#timer.unref()
  }

  static async open(options: DirectoryOptions): Promise<DirectoryService> {
    return new DirectoryService(options, { ...unset, ...(await options.settings.get<Partial<Kept>>(settingName)) })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  get isOn(): boolean {
    return this.#kept.isOn
  }

  get(): DirectorySettings {
    return shown(this.#kept)
  }

  /** Fails `invalid` where it is to be on and something it needs is missing. */
  async set(patch: DirectoryPatch): Promise<DirectorySettings> {
    const next = this.#patched(patch)
    if (next.isOn && next.servers.length === 0) throw missing('servers', 'at least one is needed')
    if (next.isOn && next.baseDn === '') throw missing('baseDn', 'is needed: below it people are looked for')
    if (next.userFilter !== '' && !next.userFilter.includes('{name}')) {
      throw missing('userFilter', 'must hold {name}, where the name of who logs in goes')
    }
    await this.#options.settings.set(settingName, next)
    this.#kept = next
    return shown(next)
  }

  async verify({ username, password }: { username: string; password: string }): Promise<SourceOutcome> {
    try {
      const outcome = await this.#directory(this.#kept).verify(username, password)
      if (outcome.kind === 'unknown' || outcome.kind === 'wrong') return outcome
      if (outcome.kind === 'refused') {
        return outcome.why === 'disabled' ? { kind: 'disabled' } : { kind: 'refused', reason: refusals[outcome.why] }
      }
      if (!outcome.membership.mayLogIn) {
        return { kind: 'refused', reason: 'you are not in the group whose members may log in here' }
      }
      return { kind: 'passed', account: await this.#admit(outcome.person, outcome.membership), isSecondStepDone: false }
    } catch (error) {
      if (error instanceof Failure && error.kind === 'conflict') return { kind: 'refused', reason: error.message }
      this.#options.logger.warn({ err: error }, 'the directory could not be asked')
      return { kind: 'unreachable', reason: 'the directory cannot be asked now' }
    }
  }

  /** Tries settings that are not kept yet, step by step. */
  async test(patch: DirectoryPatch, username: string): Promise<DirectoryTest> {
    const steps: DirectoryTest['steps'] = []
    const pass = (step: DirectoryTest['steps'][number]['step'], detail: string) =>
      steps.push({ step, isPassed: true, detail })
    const next = this.#patched(patch)
    let step: DirectoryTest['steps'][number]['step'] = 'connect'
    try {
      const directory = this.#directory(next)
      await directory.open(async (client, { server, certificate }) => {
        pass('connect', server)
        pass(
          'secure',
          certificate === undefined
            ? 'not protected: passwords can be read on the way'
            : `certificate of ${certificate.subject}, good until ${new Date(certificate.validToMs).toISOString().slice(0, 10)}`,
        )
        pass('bind', next.bindDn === '' ? 'without a name' : next.bindDn)
        step = 'search'
        pass('search', `${await directory.count(client)} people below ${next.baseDn}`)
        if (username === '') return
        step = 'person'
        const person = await directory.find(client, username)
        if (person === undefined) throw new Failure('not-found', `nobody, or more than one, is called ${username}`)
        pass('person', `${person.displayName} (${person.dn})`)
        step = 'groups'
        const { mayLogIn, isAdministrator } = await directory.membership(client, person)
        pass('groups', mayLogIn ? (isAdministrator ? 'administers' : 'may log in') : 'may not log in')
      })
    } catch (error) {
      const isBind = error instanceof Failure && error.kind === 'forbidden' && error.message.includes('password of')
      steps.push({ step: isBind ? 'bind' : step, isPassed: false, detail: (error as Error).message })
    }
    return { isPassed: steps.every(({ isPassed }) => isPassed), steps }
  }

  /** People whose name begins so, 200 at most. Fails `unreachable`. */
  async people(search: string): Promise<DirectoryPerson[]> {
    const directory = this.#must()
    const people = await directory.open((client) => directory.list(client, search))
    const known = new Set((await this.#options.accounts.list()).map((one) => `${one.source} ${one.sourceId}`))
    return people.map(({ id, username, displayName, email }) => ({
      ...{ id, username, displayName, email },
      isKnown: known.has(`directory ${id}`),
    }))
  }

  /** Makes accounts of people who have not logged in yet. Fails `not-found` for an id nobody has, `conflict` for a taken name. */
  async import(ids: readonly string[]): Promise<Account[]> {
    const directory = this.#must()
    return directory.open(async (client) => {
      const people: Person[] = []
      for (const id of ids) {
        const person = await directory.findById(client, id)
        if (person === undefined)
          throw new Failure('not-found', `ids: the directory knows nobody by ${id}`, { field: 'ids' })
        people.push(person)
      }
      const made: Account[] = []
      for (const person of people) made.push(await this.#admit(person, await directory.membership(client, person)))
      return made
    })
  }

  /** Logs out whoever is gone from the directory, or may not log in any more; follows who administers. */
  async review(): Promise<void> {
    if (!this.#kept.isOn) return
    const known = (await this.#options.accounts.list()).filter((account) => account.source === 'directory')
    if (known.length === 0) return
    const directory = this.#directory(this.#kept)
    await directory.open(async (client) => {
      for (const account of known) {
        const person = await directory.findById(client, account.sourceId)
        const membership = person && (await directory.membership(client, person))
        if (person === undefined || membership === undefined || !membership.mayLogIn) {
          await this.#options.endSessionsOf(account.id)
        } else if (membership.isAdministrator !== account.isAdministrator) {
          await this.#admit(person, membership)
        }
      }
    })
  }

  #admit({ id, username, email }: Person, { isAdministrator }: Membership): Promise<Account> {
    return this.#options.accounts.mirror({ source: 'directory', sourceId: id, username, email, isAdministrator })
  }

  #must(): Directory {
    if (!this.#kept.isOn) throw new Failure('conflict', 'no directory is set up')
    return this.#directory(this.#kept)
  }

  #directory(kept: Kept): Directory {
    const password =
      kept.bindPasswordSealed === '' ? '' : this.#options.seal.unseal(kept.bindPasswordSealed, sealContext)
    return new Directory(shown(kept), password)
  }

  #patched({ bindPassword, ...patch }: DirectoryPatch): Kept {
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
    const next = { ...this.#kept, ...given }
    // A password is for the server it was given for: with another it would be sent to whoever is named.
    const isElsewhere = patch.servers !== undefined && patch.servers.join() !== this.#kept.servers.join()
    if (bindPassword !== undefined) {
      next.bindPasswordSealed = bindPassword === '' ? '' : this.#options.seal.seal(bindPassword, sealContext)
    } else if (isElsewhere) next.bindPasswordSealed = ''
    return next
  }
}

function shown({ bindPasswordSealed, ...rest }: Kept): DirectorySettings {
  return { ...rest, hasBindPassword: bindPasswordSealed !== '' }
}

function missing(field: string, finding: string): Failure {
  return new Failure('invalid', `${field}: ${finding}`, { field })
}
