// Certificates from an authority that speaks ACME (RFC 8555), such as Let's Encrypt, by http-01 challenges (§8.3).
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { getCACertificates } from 'node:tls'
import type { RequestHandler } from 'express'
import { Failure } from '../../shared/failure.ts'
import type { AcmeRequest } from '../../shared/network.ts'
import type { Seal } from '../base/seal.ts'
import type { SettingStore } from '../db/setting-store.ts'
import { readCertificates } from './certificate-check.ts'
import type { StoredCertificate } from './certificate-store.ts'

const settingName = 'network-acme'
const sealContext = 'network-acme:account-key'

/** Longest wait for one answer of the authority, in milliseconds. */
const answerMs = 30_000

/** Our account at an authority. It is asked for by its key each time: an authority that forgot it makes it again. */
interface AcmeAccount {
  directoryUrl: string
  /** PEM, sealed. */
  keySealed: string
  email?: string
}

/** Of acme-client's own HTTP client; its types do not tell. `retryDefaultDelay` in seconds. */
interface AcmeDefaults {
  acmeSettings?: { retryMaxAttempts: number; retryDefaultDelay: number }
}

export interface AcmeOptions {
  directoryUrl: string
  /** PEM file of a root that the authority's own TLS goes back to; '' where the usual ones do. */
  caFile: string
  settings: SettingStore
  seal: Seal
}

export class AcmeAuthority {
  readonly #options: AcmeOptions
  /** What is answered to the authority, by token, while an order is under way. */
  readonly #answers = new Map<string, string>()

  constructor(options: AcmeOptions) {
    this.#options = options
  }

  /**
   * Answers `/.well-known/acme-challenge/TOKEN` for tokens of an order under way, and lets all else through. It stands
   * before the gate: from which addresses an authority asks, it tells nobody, and a token is worth nothing elsewhere.
   */
  challengeStep(): RequestHandler {
    return (request, response, next) => {
      if (this.#answers.size === 0) return next()
      const token = /^\/\.well-known\/acme-challenge\/([\w-]+)$/.exec(request.path)?.[1]
      const answer = token === undefined ? undefined : this.#answers.get(token)
      if (answer === undefined) return next()
      response.type('text/plain').send(answer)
    }
  }

  /**
   * Asks for a certificate; takes seconds to minutes.
   *
   * Whether the certificate has begun is not asked: the authority's clock is right, and ours may be behind. Fails
   * `unreachable` with what the authority said, or that it did not answer; `invalid` where what it gave is none.
   */
  async order(request: Pick<AcmeRequest, 'names' | 'email'>): Promise<StoredCertificate> {
    const { directoryUrl, caFile } = this.#options
    // Loaded when needed, once in months: it brings an HTTP client and a cryptography library of its own.
    const { default: acme } = await import('acme-client')
    Object.assign(acme.axios.defaults, {
      timeout: answerMs,
      httpsAgent: caFile === '' ? undefined : agentTrusting(caFile),
      // Somebody waits for the answer; who renews tries again by itself.
      acmeSettings: {
        ...(acme.axios.defaults as AcmeDefaults).acmeSettings,
        retryMaxAttempts: 2,
        retryDefaultDelay: 1,
      },
    })
    const [first] = request.names
    try {
      const accountKey = (await this.#accountKey()) ?? (await acme.crypto.createPrivateEcdsaKey('P-256')).toString()
      const client = new acme.Client({
        directoryUrl,
        accountKey,
        backoffAttempts: 12,
        backoffMin: 1000,
        backoffMax: 10_000,
      })
      const key = await acme.crypto.createPrivateEcdsaKey('P-256')
      const [, csr] = await acme.crypto.createCsr({ commonName: first!, altNames: request.names }, key)
      const chainPem = await client.auto({
        csr,
        ...(request.email === undefined ? {} : { email: request.email }),
        termsOfServiceAgreed: true,
        challengePriority: ['http-01'],
        // Many routers do not lead a machine's request for its own public name back to it.
        skipChallengeVerification: true,
        challengeCreateFn: async (_authorization, { token }, answer) => {
          this.#answers.set(token, answer)
        },
        challengeRemoveFn: async (_authorization, { token }) => {
          this.#answers.delete(token)
        },
      })
      await this.#keepAccount(accountKey, request.email)
      readCertificates(chainPem, 'certificate')
      return { source: 'acme', chainPem, material: { key: key.toString() }, names: request.names }
    } catch (cause) {
      if (cause instanceof Failure) throw cause
      const { host } = new URL(directoryUrl)
      throw new Failure('unreachable', `ask ${host} for a certificate for ${first}: ${(cause as Error).message}`, {
        cause,
      })
    }
  }

  /** The e-mail address of the account, for renewals. */
  async email(): Promise<string | undefined> {
    return (await this.#options.settings.get<AcmeAccount>(settingName))?.email
  }

  async #accountKey(): Promise<string | undefined> {
    const { settings, seal, directoryUrl } = this.#options
    const stored = await settings.get<AcmeAccount>(settingName)
    return stored?.directoryUrl === directoryUrl ? seal.unseal(stored.keySealed, sealContext) : undefined
  }

  async #keepAccount(key: string, email: string | undefined): Promise<void> {
    const { settings, seal, directoryUrl } = this.#options
    const account: AcmeAccount = {
      directoryUrl,
      keySealed: seal.seal(key, sealContext),
      ...(email === undefined ? {} : { email }),
    }
    await settings.set(settingName, account)
  }
}

function agentTrusting(caFile: string): Agent {
  return new Agent({ ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')] })
}
