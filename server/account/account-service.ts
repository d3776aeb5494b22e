// Local accounts: the administrator of the first start, and those that administrators make.
import { randomUUID } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import type { AccountDraft, AccountPatch, AccountSource } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Clock } from '../base/clock.ts'
import type { AccountPolicies } from './account-policy.ts'
import type { Account, AccountStore } from './account-store.ts'
import { readableSecret } from './readable-secret.ts'

export const administratorName = 'admin'

/** What another place says of somebody whose password it keeps. */
export interface MirroredAccount {
  source: Exclude<AccountSource, 'local'>
  /** 1 to 255 characters; outlives a change of the name. */
  sourceId: string
  username: string
  email: string
  isAdministrator: boolean
  /** Where it is not given, it stays as it was: true for a new one. */
  isEnabled?: boolean
  /** Whether its own place tells it to change the password. Where it is not given, it stays as it was. */
  mustChangePassword?: boolean
}

export class AccountService {
  readonly #store: AccountStore
  readonly #policies: AccountPolicies
  readonly #clock: Clock
  #decoyHash: Promise<string> | undefined
  /** Changes one after the other: two at once could leave no administrator. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: AccountStore, policies: AccountPolicies, clock: Clock) {
    this.#store = store
    this.#policies = policies
    this.#clock = clock
  }

  get(id: string): Promise<Account | undefined> {
    return this.#store.get(id)
  }

  /** Names are told apart without regard to case. */
  getByUsername(username: string): Promise<Account | undefined> {
    return this.#store.getByUsername(username)
  }

  getBySource(source: AccountSource, sourceId: string): Promise<Account | undefined> {
    return this.#store.getBySource(source, sourceId)
  }

  list(): Promise<Account[]> {
    return this.#store.list()
  }

  /** Whether an account may do nothing but change its password: it was told to, or the password is too old. */
  isPasswordExpired(account: Account): boolean {
    if (account.source !== 'local') return account.isChangeRequired
    return account.isChangeRequired || this.#policies.isTooOld(account.passwordChangedMs, this.#nowMs())
  }

  /**
   * Makes the administrator where there is no account yet.
   *
   * Gives its one-time password, the only time it can be had; undefined where there are accounts.
   */
  async createFirst(): Promise<string | undefined> {
    if ((await this.#store.count()) > 0) return undefined
    return this.resetAdministrator()
  }

  /** Gives the administrator a new one-time password, and makes the account where it is missing. */
  async resetAdministrator(): Promise<string> {
    const password = readableSecret(20)
    const passwordHash = await hash(password)
    const namesake = await this.#store.getByUsername(administratorName)
    const account = namesake?.source === 'local' ? namesake : undefined
    // Somebody of that name from elsewhere is another person, and must not be given this password.
    if (namesake !== undefined && account === undefined) {
      await this.#store.update({ ...namesake, username: displacedName(namesake) })
    }
    const nowMs = this.#nowMs()
    const given = { passwordHash, mustChangePassword: true, isChangeRequired: false, passwordChangedMs: nowMs }
    if (account === undefined) {
      await this.#store.create({
        ...{ id: randomUUID(), username: administratorName, email: '', phone: '', source: 'local', sourceId: '' },
        ...{ isAdministrator: true, isEnabled: true, createdMs: nowMs, lastLoginMs: undefined },
        ...given,
      })
    } else {
      await this.#store.update({ ...account, ...given, isAdministrator: true, isEnabled: true })
    }
    return password
  }

  /** An account as passport knows it. */
  asUser(account: Account): Express.User {
    return { ...account, isPasswordExpired: this.isPasswordExpired(account) }
  }

  /** The local account of that name, and whether the password is its own. Takes as long for a name that does not exist. */
  async verify(username: string, password: string): Promise<{ account: Account | undefined; isRight: boolean }> {
    const found = await this.#store.getByUsername(username)
    const account = found?.source === 'local' ? found : undefined
    this.#decoyHash ??= hash(randomUUID())
    const isRight = await verify(account?.passwordHash ?? (await this.#decoyHash), password)
    return { account, isRight: account !== undefined && isRight }
  }

  /**
   * Makes or updates the account of somebody whose password another place keeps. A name, an address and the group of
   * administrators are the other's to say.
   *
   * Fails `conflict` where the name is that of an account from elsewhere.
   */
  mirror(given: MirroredAccount): Promise<Account> {
    return this.#inTurn(async () => {
      const known = await this.#store.getBySource(given.source, given.sourceId)
      const namesake = await this.#store.getByUsername(given.username)
      if (namesake !== undefined && namesake.id !== known?.id) {
        throw new Failure('conflict', `there is another user ${given.username} already, kept by: ${namesake.source}`)
      }
      if (known !== undefined) {
        const account = { ...known, ...given }
        await this.#store.update(account)
        return account
      }
      const nowMs = this.#nowMs()
      const account: Account = {
        ...{ id: randomUUID(), phone: '', passwordHash: '', mustChangePassword: false, isChangeRequired: false },
        ...{ isEnabled: true, createdMs: nowMs, passwordChangedMs: nowMs, lastLoginMs: undefined },
        ...given,
      }
      await this.#store.create(account)
      return account
    })
  }

  /** Forgets an account that its own place no longer has, whoever is left. Local ones are left alone. */
  dropMirrored(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const account = await this.#store.get(id)
      if (account !== undefined && account.source !== 'local') await this.#store.remove(id)
    })
  }

  /** Notes that another place took a new password; `isChangeRequired` where it must be changed before anything else. */
  notePasswordSet(id: string, isChangeRequired: boolean): Promise<Account> {
    return this.#inTurn(async () => {
      const account = await this.#must(id, 'set password')
      const changed = { ...account, isChangeRequired, mustChangePassword: false, passwordChangedMs: this.#nowMs() }
      await this.#store.update(changed)
      return changed
    })
  }

  /** Notes a login, and gives the account as it was before: with the time of the login before this one. */
  async noteLogin(account: Account): Promise<void> {
    await this.#store.update({ ...account, lastLoginMs: this.#nowMs() })
  }

  /** Fails `invalid` at `current` where that is not the password now, at `next` where it may not be the next one. */
  async changePassword(id: string, current: string, next: string): Promise<void> {
    const account = await this.#must(id, 'change password')
    mustBeLocal(account)
    if (!(await verify(account.passwordHash, current))) {
      throw new Failure('invalid', 'current: is not the password now', { field: 'current' })
    }
    if (next === current) throw new Failure('invalid', 'next: must not be the password now', { field: 'next' })
    this.#policies.checkPassword(next, account.username, 'next')
    await this.#setPassword(account, next, false)
  }

  /** Fails `invalid` at `password` where the policy forbids it, `conflict` at `username` where the name is taken. */
  create(draft: AccountDraft): Promise<Account> {
    return this.#inTurn(async () => {
      this.#policies.checkPassword(draft.password, draft.username, 'password')
      if ((await this.#store.getByUsername(draft.username)) !== undefined) {
        throw new Failure('conflict', `username: there is a user ${draft.username} already`, { field: 'username' })
      }
      const { username, email, phone, isAdministrator, mustChangePassword } = draft
      const nowMs = this.#nowMs()
      const account: Account = {
        ...{ id: randomUUID(), username, email, phone, isAdministrator, source: 'local', sourceId: '' },
        ...{
          passwordHash: await hash(draft.password),
          mustChangePassword: false,
          isChangeRequired: mustChangePassword,
        },
        ...{ isEnabled: true, createdMs: nowMs, passwordChangedMs: nowMs, lastLoginMs: undefined },
      }
      await this.#store.create(account)
      return account
    })
  }

  /** Gives the account before and after. Fails `conflict` where nobody would be left to administer. */
  update(id: string, patch: AccountPatch): Promise<{ before: Account; after: Account }> {
    return this.#inTurn(async () => {
      const before = await this.#must(id, 'change account')
      const given = Object.entries(patch).filter(([, value]) => value !== undefined)
      const after: Account = { ...before, ...Object.fromEntries(given) }
      if (before.isAdministrator && before.isEnabled && !(after.isAdministrator && after.isEnabled)) {
        await this.mustNotBeLast(before, after.isAdministrator ? 'disabled' : 'no administrator any more')
      }
      await this.#store.update(after)
      return { before, after }
    })
  }

  /** Fails as `update` does. */
  remove(id: string): Promise<Account> {
    return this.#inTurn(async () => {
      const account = await this.#must(id, 'remove account')
      await this.mustNotBeLast(account, 'removed')
      await this.#store.remove(id)
      return account
    })
  }

  /** Sets somebody's password. Fails `invalid` at `password` where the policy forbids it. */
  async resetPassword(id: string, password: string, mustChange: boolean): Promise<Account> {
    const account = await this.#must(id, 'set password')
    mustBeLocal(account)
    this.#policies.checkPassword(password, account.username, 'password')
    await this.#setPassword(account, password, mustChange)
    return account
  }

  async #setPassword(account: Account, password: string, isChangeRequired: boolean): Promise<void> {
    await this.#store.update({
      ...account,
      passwordHash: await hash(password),
      mustChangePassword: false,
      isChangeRequired,
      passwordChangedMs: this.#nowMs(),
    })
  }

  async #must(id: string, attempt: string): Promise<Account> {
    const account = await this.#store.get(id)
    if (account === undefined) throw new Failure('not-found', `${attempt}: this account is there no more`)
    return account
  }

  /** Fails `conflict` where an account is the last that could administer, or `admin`; `end` says what it would be. */
  async mustNotBeLast(account: Account, end: string): Promise<void> {
    if (account.username.toLowerCase() === administratorName) {
      throw new Failure('conflict', `${account.username} cannot be ${end}: it is the account that always gets back in`)
    }
    if (!account.isAdministrator || !account.isEnabled) return
    const all = await this.#store.list()
    if (all.some((other) => other.id !== account.id && other.isAdministrator && other.isEnabled)) return
    throw new Failure('conflict', `${account.username} cannot be ${end}: there would be no administrator left`)
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #nowMs(): number {
    return Math.floor(this.#clock.utcUs() / 1000)
  }
}

/** What somebody is called whose name the administrator of this server has: with the place that keeps the password. */
export function displacedName({ source, username }: Pick<Account, 'source' | 'username'>): string {
  return `${source.toUpperCase()}+${username}`
}

function mustBeLocal(account: Account): void {
  if (account.source === 'local') return
  throw new Failure('conflict', `the password of ${account.username} is not kept here: change it where it is kept`)
}
