// Passkeys: made by who is logged in, and a log-in in place of password and second step.
import { randomUUID } from 'node:crypto'
import { Failure } from '../../shared/failure.ts'
import {
  maxPasskeysPerAccount,
  type Passkey,
  type PasskeyCreation,
  type PasskeyLogin,
  type PasskeyMade,
  type PasskeyRequest,
} from '../../shared/passkey.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { LoginLimit } from './login-limit.ts'
import type { LoginOutcome, LoginService } from './login-service.ts'
import { challengeMs, PasskeyChallenges } from './passkey-challenge.ts'
import type { PasskeyPlace } from './passkey-place.ts'
import type { PasskeyStore, StoredPasskey } from './passkey-store.ts'

const productName = 'Nightjar'

/** Ed25519, ECDSA with P-256, RSA with SHA-256 (IANA's COSE algorithms): what every browser has. */
const algorithms = [-8, -7, -257]

export interface PasskeyOptions {
  store: PasskeyStore
  /** Whether accounts of that sort log in here at all, with somebody asked here whether they still may. */
  admits: (account: Account) => boolean
  accounts: AccountService
  logins: LoginService
  limit: LoginLimit
  log: LogService
  bus: Bus
  clock: Clock
}

export class PasskeyService {
  readonly #options: PasskeyOptions
  readonly #challenges: PasskeyChallenges

  constructor(options: PasskeyOptions) {
    this.#options = options
    this.#challenges = new PasskeyChallenges(options.clock)
  }

  async list(accountId: string): Promise<Passkey[]> {
    return (await this.#options.store.listOf(accountId)).map(shownOf)
  }

  /** What the browser is to make. `sessionId` alone may bring it. Fails `conflict`, `limit`. */
  async offer(accountId: string, sessionId: string, place: PasskeyPlace): Promise<PasskeyCreation> {
    const { account, passkeys } = await this.#mustTakeOneMore(accountId)
    return {
      challenge: this.#challenges.issue(madeBy(sessionId)),
      rp: { id: place.rpId, name: productName },
      user: { id: handleOf(accountId), name: account.username, displayName: account.username },
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: challengeMs,
      excludeCredentials: passkeys.map(({ credentialId: id, transports }) => ({ type: 'public-key', id, transports })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    }
  }

  /** Fails `invalid` at `credential` where it is not what was asked for; `conflict` where it is here already; `limit`. */
  async add(
    accountId: string,
    sessionId: string,
    place: PasskeyPlace,
    draft: { name: string; credential: PasskeyMade },
  ): Promise<Passkey> {
    const { store, clock } = this.#options
    await this.#mustTakeOneMore(accountId)
    const info = await this.#verifyMade(draft.credential, sessionId, place)
    const passkey: StoredPasskey = {
      ...{ id: randomUUID(), accountId, name: draft.name, origin: place.origin, lastUsedMs: undefined },
      ...{ credentialId: info.id, publicKey: Buffer.from(info.publicKey).toString('base64url') },
      ...{ signCount: info.counter, createdMs: Math.floor(clock.utcUs() / 1000) },
      transports: (draft.credential.response.transports ?? []).filter((one) => /^[a-z-]{1,16}$/.test(one)),
    }
    if ((await store.getByCredential(passkey.credentialId)) !== undefined) {
      throw new Failure('conflict', 'credential: this passkey is here already', { field: 'credential' })
    }
    await store.create(passkey)
    return shownOf(passkey)
  }

  /** Fails `not-found`. */
  async rename(accountId: string, id: string, name: string): Promise<Passkey> {
    const isThere = await this.#options.store.rename(accountId, id, name)
    const passkey = isThere ? (await this.list(accountId)).find((one) => one.id === id) : undefined
    if (passkey === undefined) throw new Failure('not-found', 'rename passkey: it is there no more')
    return passkey
  }

  /** Fails `not-found`. */
  async remove(accountId: string, id: string): Promise<void> {
    if (await this.#options.store.remove(accountId, id)) return
    throw new Failure('not-found', 'remove passkey: it is there no more')
  }

  /** Gives how many there were. */
  removeAllOf(accountId: string): Promise<number> {
    return this.#options.store.removeAllOf(accountId)
  }

  /** What the browser is to sign; whoever holds `binding` alone may answer. */
  request(binding: string, place: PasskeyPlace): PasskeyRequest {
    const challenge = this.#challenges.issue(signedBy(binding))
    return { challenge, rpId: place.rpId, timeout: challengeMs, allowCredentials: [], userVerification: 'required' }
  }

  /** Tries to log in with what the browser signed. One that passed is logged and clears the tries that were counted. */
  async logIn(credential: PasskeyLogin, binding: string, place: PasskeyPlace, address: string): Promise<LoginOutcome> {
    const { logins, limit } = this.#options
    const refusal = await limit.takeAddress(address)
    if (refusal !== undefined) return { kind: 'limited', waitSec: refusal.waitSec }
    const { account, fault } = await this.#judge(credential, binding, place)
    if (fault !== undefined) {
      this.#noteFault(fault, account, address)
      return { kind: 'wrong' }
    }
    const outcome: LoginOutcome = account.isEnabled
      ? { kind: 'passed', account: this.#options.accounts.asUser(account) }
      : { kind: 'disabled' }
    await logins.note(outcome, account.username, address)
    return outcome
  }

  async #judge(
    credential: PasskeyLogin,
    binding: string,
    place: PasskeyPlace,
  ): Promise<{ account: Account; fault?: undefined } | { account: Account | undefined; fault: string }> {
    const { store, accounts, admits, clock } = this.#options
    const passkey = await store.getByCredential(credential.id)
    const account = passkey && (await accounts.get(passkey.accountId))
    if (passkey === undefined || account === undefined) return { account: undefined, fault: 'it is not known here' }
    if (!admits(account)) return { account, fault: `accounts of its sort (${account.source}) do not log in by it here` }
    // Browsers let other ports of this host use it too, where another program may have a page that passes answers on.
    if (passkey.origin !== place.origin) return { account, fault: `it was made at ${passkey.origin}` }
    const { userHandle } = credential.response
    if (userHandle !== undefined && userHandle !== handleOf(account.id)) return { account, fault: 'it names another' }
    const signCount = await this.#verifySigned(credential, binding, place, passkey)
    if (signCount === undefined) return { account, fault: 'its answer is not right' }
    if (!(await store.noteUse(passkey.id, signCount, Math.floor(clock.utcUs() / 1000)))) {
      return { account, fault: `its count went from ${passkey.signCount} to ${signCount}: there may be a copy of it` }
    }
    return { account }
  }

  /** The device's count; undefined where the answer is not right. */
  async #verifySigned(
    credential: PasskeyLogin,
    binding: string,
    place: PasskeyPlace,
    passkey: StoredPasskey,
  ): Promise<number | undefined> {
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: { clientExtensionResults: {}, ...credential },
        expectedChallenge: (challenge) => this.#challenges.take(challenge, signedBy(binding)),
        expectedOrigin: place.origin,
        expectedRPID: place.rpId,
        requireUserVerification: true,
        // Its count is held against ours once the signature is known to be right: a stranger's word is no sign of a copy.
        credential: { id: passkey.credentialId, publicKey: bytesOf(passkey.publicKey), counter: 0 },
      })
      return verified ? authenticationInfo.newCounter : undefined
    } catch {
      return undefined
    }
  }

  async #verifyMade(credential: PasskeyMade, sessionId: string, place: PasskeyPlace) {
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const transports = credential.response.transports ?? []
    const result = await verifyRegistrationResponse({
      response: { clientExtensionResults: {}, ...credential, response: { ...credential.response, transports } },
      expectedChallenge: (challenge) => this.#challenges.take(challenge, madeBy(sessionId)),
      expectedOrigin: place.origin,
      expectedRPID: place.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    }).catch((cause: unknown) => {
      throw wrongCredential(cause)
    })
    if (!result.verified) throw wrongCredential()
    return result.registrationInfo.credential
  }

  async #mustTakeOneMore(accountId: string): Promise<{ account: Account; passkeys: StoredPasskey[] }> {
    const { accounts, store, admits } = this.#options
    const account = await accounts.get(accountId)
    if (account === undefined) throw new Failure('not-found', 'add passkey: this account is there no more')
    if (!admits(account)) {
      throw new Failure(
        'conflict',
        `${account.username} logs in elsewhere (${account.source}): passkeys are for accounts of this machine`,
      )
    }
    const passkeys = await store.listOf(accountId)
    if (passkeys.length < maxPasskeysPerAccount) return { account, passkeys }
    throw new Failure('limit', `an account may have ${maxPasskeysPerAccount} passkeys: remove one first`)
  }

  #noteFault(fault: string, account: Account | undefined, address: string): void {
    const { log, bus } = this.#options
    const username = account?.username
    const who = username === undefined ? '' : ` of ${username}`
    log.record({
      kind: 'connection',
      level: 'warning',
      name: 'login-failed',
      message: `failed to log in with a passkey${who}: ${fault}`,
      by: { address, ...(username === undefined ? {} : { username }) },
    })
    bus.emit('login-failed', { username: username ?? '', address })
  }
}

/** A challenge to make one is none to log in with, nor the other way round. */
const madeBy = (sessionId: string) => `make ${sessionId}`
const signedBy = (binding: string) => `sign ${binding}`

/** What the device keeps of the account: no name (WebAuthn §14.6.1). */
function handleOf(accountId: string): string {
  return Buffer.from(accountId).toString('base64url')
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'))
}

function wrongCredential(cause?: unknown): Failure {
  const message = 'credential: is not what was asked for, or came too late: try again'
  return new Failure('invalid', message, { field: 'credential', cause })
}

function shownOf({ id, name, origin, createdMs, lastUsedMs }: StoredPasskey): Passkey {
  return { id, name, host: new URL(origin).host, createdMs, ...(lastUsedMs === undefined ? {} : { lastUsedMs }) }
}
