// How often a password may be tried: by account and by address, so that neither many names nor many hosts help.
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

export interface LoginLimits {
  /** Failed tries on one account, from anywhere it was not used from before, in `windowSec`. */
  perAccount: number
  /** Failed tries from one address, on any account, in `windowSec`. */
  perAddress: number
  windowSec: number
}

export const defaultLoginLimits: LoginLimits = { perAccount: 10, perAddress: 30, windowSec: 900 }

/** Addresses an account was used from that are remembered, over all accounts. */
const maxKnown = 1000

/**
 * Counts tries, in memory.
 *
 * An address from which an account logged in before has a count of its own for that account: a stranger who spends the
 * account's tries does not shut out its owner.
 */
export class LoginLimit {
  readonly #byAccount: RateLimiterMemory
  readonly #byAddress: RateLimiterMemory
  readonly #known = new Set<string>()

  constructor(limits: LoginLimits) {
    const { perAccount, perAddress, windowSec } = limits
    this.#byAccount = new RateLimiterMemory({ keyPrefix: 'account', points: perAccount, duration: windowSec })
    this.#byAddress = new RateLimiterMemory({ keyPrefix: 'address', points: perAddress, duration: windowSec })
  }

  /**
   * Takes one try. Gives undefined where it may be made, else how many seconds to wait, and whether this is the first
   * try past the limit.
   */
  async take(username: string, address: string): Promise<{ waitSec: number; isFirst: boolean } | undefined> {
    return (await this.takeAddress(address)) ?? takeOf(this.#byAccount, this.#accountKey(username, address))
  }

  /** The same by address alone, where nobody is named. */
  takeAddress(address: string): Promise<{ waitSec: number; isFirst: boolean } | undefined> {
    return takeOf(this.#byAddress, address)
  }

  /** The try was right: it and the failed ones before it are forgotten, for the account and for one at this address. */
  async succeed(username: string, address: string): Promise<void> {
    await this.#byAccount.delete(this.#accountKey(username, address))
    await this.#byAddress.reward(address)
    if (this.#known.size >= maxKnown) this.#known.delete(this.#known.values().next().value!)
    this.#known.add(knownKey(username, address))
  }

  #accountKey(username: string, address: string): string {
    const known = knownKey(username, address)
    return this.#known.has(known) ? known : username.toLowerCase()
  }
}

async function takeOf(limiter: RateLimiterMemory, key: string) {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refused) {
    const { msBeforeNext, consumedPoints } = refused as RateLimiterRes
    return { waitSec: Math.ceil(msBeforeNext / 1000), isFirst: consumedPoints === limiter.points + 1 }
  }
}

function knownKey(username: string, address: string): string {
  return `${username.toLowerCase()} ${address}`
}
