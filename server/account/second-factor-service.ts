// The second step of a login: a code of an authenticator app (TOTP, RFC 6238), or a recovery code.
import { createHash } from 'node:crypto'
import { generateSecret, generateURI, verify } from 'otplib'
import type { SecondFactorOffer } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Clock } from '../base/clock.ts'
import type { Seal } from '../base/seal.ts'
import { readableSecret } from './readable-secret.ts'
import type { SecondFactorStore } from './second-factor-store.ts'

/** A phone's clock may be this far off, in seconds: one step either way (RFC 6238 §5.2). */
const toleranceSec = 30
const recoveryCodeCount = 10
const issuer = 'Nightjar'

export interface SecondFactorOptions {
  store: SecondFactorStore
  seal: Seal
  clock: Clock
}

export class SecondFactorService {
  readonly #options: SecondFactorOptions

  constructor(options: SecondFactorOptions) {
    this.#options = options
  }

  /** Whether a login of this account needs a code. */
  async isOn(accountId: string): Promise<boolean> {
    return (await this.#options.store.get(accountId))?.isConfirmed ?? false
  }

  /** Ids of the accounts whose login needs one. */
  listOn(): Promise<Set<string>> {
    return this.#options.store.listConfirmed()
  }

  recoveryCodesLeft(accountId: string): Promise<number> {
    return this.#options.store.countCodes(accountId)
  }

  /** Makes a secret. It counts from `confirm` on. Fails `conflict` where there is a second step already. */
  async offer(accountId: string, username: string): Promise<SecondFactorOffer> {
    const { store, seal, clock } = this.#options
    if (await this.isOn(accountId)) throw new Failure('conflict', 'the second step is on already: turn it off first')
    const secret = generateSecret()
    const createdMs = Math.floor(clock.utcUs() / 1000)
    await store.offer({ accountId, secretSealed: seal.seal(secret, contextOf(accountId)), createdMs })
    return { secret, uri: generateURI({ issuer, label: username, secret }) }
  }

  /**
   * Turns the second step on, where the app's code is right. Gives the recovery codes, the only time they can be had.
   *
   * Fails `invalid` at `code` where it is wrong, `conflict` where nothing was offered.
   */
  async confirm(accountId: string, code: string): Promise<string[]> {
    const factor = await this.#options.store.get(accountId)
    if (factor === undefined || factor.isConfirmed) throw new Failure('conflict', 'ask for a secret first')
    if (!(await this.#isRight(accountId, code))) {
      throw new Failure('invalid', 'code: is wrong; is the clock of your phone right?', { field: 'code' })
    }
    const codes = Array.from({ length: recoveryCodeCount }, recoveryCode)
    await this.#options.store.confirm(accountId, codes.map(hashOf))
    return codes
  }

  remove(accountId: string): Promise<void> {
    return this.#options.store.remove(accountId)
  }

  /** Whether a code opens this account. A code of the app counts once, and so does each recovery code. */
  async takes(accountId: string, code: string): Promise<boolean> {
    if (/^\d{6}$/.test(code)) return this.#isRight(accountId, code)
    const { store, clock } = this.#options
    return store.useCode(accountId, hashOf(code), Math.floor(clock.utcUs() / 1000))
  }

  async #isRight(accountId: string, token: string): Promise<boolean> {
    const { store, seal, clock } = this.#options
    const factor = await store.get(accountId)
    if (factor === undefined) return false
    const secret = seal.unseal(factor.secretSealed, contextOf(accountId))
    const epoch = Math.floor(clock.utcUs() / 1e6)
    const result = await verify({ secret, token, epoch, epochTolerance: toleranceSec })
    if (!result.valid || !('timeStep' in result)) return false
    return store.takeStep(accountId, result.timeStep)
  }
}

function contextOf(accountId: string): string {
  return `account:${accountId}:second-factor`
}

/** 15 letters and digits that are not mistaken for one another, in groups of five: 74 bits. */
const recoveryCode = () => readableSecret(15)

/** However it was typed: case, spaces and hyphens do not matter. */
function hashOf(code: string): string {
  return createHash('sha256')
    .update(code.toLowerCase().replace(/[^a-z0-9]/g, ''))
    .digest('hex')
}
