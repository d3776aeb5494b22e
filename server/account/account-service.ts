// Accounts: one local administrator here, made at first start.
import { randomBytes, randomUUID } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { Failure } from '../../shared/failure.ts'
import type { Clock } from '../base/clock.ts'
import type { Account, AccountStore } from './account-store.ts'

export const administratorName = 'admin'

export class AccountService {
  readonly #store: AccountStore
  readonly #clock: Clock
  #decoyHash: Promise<string> | undefined

  constructor(store: AccountStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get(id: string): Promise<Account | undefined> {
    return this.#store.get(id)
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
    const password = oneTimePassword()
    const passwordHash = await hash(password)
    const account = await this.#store.getByUsername(administratorName)
    if (account === undefined) {
      await this.#store.create({
        id: randomUUID(),
        username: administratorName,
        passwordHash,
        mustChangePassword: true,
        createdMs: this.#nowMs(),
        lastLoginMs: undefined,
      })
    } else {
      await this.#store.update({ ...account, passwordHash, mustChangePassword: true })
    }
    return password
  }

  /** The account of that name where the password is its own. Takes as long for a name that does not exist. */
  async verify(username: string, password: string): Promise<Account | undefined> {
    const account = await this.#store.getByUsername(username)
    this.#decoyHash ??= hash(randomUUID())
    const isRight = await verify(account?.passwordHash ?? (await this.#decoyHash), password)
    return isRight ? account : undefined
  }

  /** Notes a login, and gives the account as it was before: with the time of the login before this one. */
  async noteLogin(account: Account): Promise<void> {
    await this.#store.update({ ...account, lastLoginMs: this.#nowMs() })
  }

  /** Fails `invalid` at `current` where that is not the password now, at `next` where it is the same again. */
  async changePassword(id: string, current: string, next: string): Promise<void> {
    const account = await this.#store.get(id)
    if (account === undefined) throw new Failure('not-found', 'change password: this account is there no more')
    if (!(await verify(account.passwordHash, current))) {
      throw new Failure('invalid', 'current: is not the password now', { field: 'current' })
    }
    if (next === current) throw new Failure('invalid', 'next: must not be the password now', { field: 'next' })
    await this.#store.update({ ...account, passwordHash: await hash(next), mustChangePassword: false })
  }

  #nowMs(): number {
    return Math.floor(this.#clock.utcUs() / 1000)
  }
}

/** 20 letters and digits that are not mistaken for one another, in groups of five: 98 bits. */
function oneTimePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  let text = ''
  while (text.length < 20) {
    for (const byte of randomBytes(32)) {
      // Bytes past the last whole multiple would make the first letters likelier.
      if (byte < 248 && text.length < 20) text += alphabet[byte % alphabet.length]
    }
  }
  return text.match(/.{5}/g)!.join('-')
}
