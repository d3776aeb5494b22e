// What a passkey is asked to sign: known again without being kept, so that asking for many costs nothing.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'

/** For so long a challenge may be answered, in milliseconds. */
export const challengeMs = 300_000

const macAt = 24

/**
 * A challenge is a random number, its end and a mark of who may answer it, made with a key of this start of the server.
 * Only those that were answered are kept, until they would be over anyway.
 */
export class PasskeyChallenges {
  readonly #clock: Clock
  readonly #key = randomBytes(32)
  /** By challenge: when it is over, monotonic milliseconds. */
  readonly #used = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For whoever holds `binding` alone; base64url. */
  issue(binding: string): string {
    const body = Buffer.alloc(macAt)
    randomBytes(16).copy(body)
    body.writeBigUInt64BE(BigInt(this.#nowMs() + challengeMs), 16)
    return Buffer.concat([body, this.#mac(body, binding)]).toString('base64url')
  }

  /** Uses a challenge up. False where it is not of `binding`, is over, or was used before. */
  take(challenge: string, binding: string): boolean {
    const bytes = Buffer.from(challenge, 'base64url')
    const body = bytes.subarray(0, macAt)
    const mac = this.#mac(body, binding)
    if (bytes.length !== macAt + mac.length || !timingSafeEqual(bytes.subarray(macAt), mac)) return false
    const nowMs = this.#nowMs()
    const untilMs = Number(body.readBigUInt64BE(16))
    for (const [old, endMs] of this.#used) if (endMs <= nowMs) this.#used.delete(old)
    // Several ways of writing the same bytes are one challenge.
    const key = bytes.toString('base64url')
    if (untilMs <= nowMs || this.#used.has(key)) return false
    this.#used.set(key, untilMs)
    return true
  }

  #mac(body: Buffer, binding: string): Buffer {
    return createHmac('sha256', this.#key).update(body).update(binding).digest()
  }

  #nowMs(): number {
    return Math.floor(this.#clock.monotonicUs() / 1000)
  }
}
