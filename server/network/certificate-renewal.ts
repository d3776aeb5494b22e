// Looks after the certificate's end: renews what it can, and warns of what people must replace.
import type { Job } from 'node-schedule'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Backoff } from '../base/retry.ts'
import type { LogService } from '../log/log-service.ts'
import type { CertificateService } from './certificate-service.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** After a failed renewal: 30 days hold many tries, and authorities count them. */
const defaultDelaysMs = [hourMs, 2 * hourMs, 4 * hourMs, 8 * hourMs, dayMs]

/** Days before its end from which a certificate that people brought is warned of, each day. */
const warningDays = 14

export interface RenewalOptions {
  certificates: CertificateService
  log: LogService
  clock: Clock
  logger: Logger
  /** Delays between tries that fail. */
  delaysMs?: readonly number[]
}

export class CertificateRenewal {
  readonly #options: RenewalOptions
  readonly #backoff: Backoff
  #job: Job | undefined
  #retry: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isClosed = false

  constructor(options: RenewalOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.delaysMs ?? defaultDelaysMs, 0)
  }

  /** Looks now, and then once a day, at a minute of its own: not all servers ask the authority at once. */
  async start(): Promise<void> {
    const { scheduleJob } = await import('node-schedule')
    if (this.#isClosed) return
    const minute = Math.floor(Math.random() * 60)
    this.#job = scheduleJob(`${minute} 4 * * *`, () => void this.look())
    void this.look()
  }

  close(): void {
    this.#isClosed = true
    this.#job?.cancel()
    clearTimeout(this.#retry)
  }

  /** Renews where it is time. A failure is logged and tried again; it does not throw. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { certificates, clock, log, logger } = this.#options
    clearTimeout(this.#retry)
    const startedUs = clock.monotonicUs()
    try {
      const { renewsAtMs, notAfterMs, subject } = await certificates.get()
      const nowMs = Math.floor(clock.utcUs() / 1000)
      if (renewsAtMs !== undefined && renewsAtMs <= nowMs) await certificates.renew()
      const daysLeft = Math.ceil((notAfterMs - nowMs) / dayMs)
      if (renewsAtMs === undefined && daysLeft <= warningDays) {
        const when = daysLeft > 0 ? `ends in ${daysLeft} days` : 'is over'
        log.record({
          kind: 'system',
          level: 'warning',
          name: 'certificate-expiring',
          message: `the certificate ${subject} ${when}: import another`,
        })
      }
      this.#backoff.reset()
    } catch (error) {
      if (this.#isClosed) return
      const waitMs = this.#backoff.next((clock.monotonicUs() - startedUs) / 1000)
      logger.warn({ err: error }, 'the certificate could not be renewed')
      log.record({
        kind: 'system',
        level: 'warning',
        name: 'certificate-renewal-failed',
        message: `the certificate could not be renewed: ${(error as Error).message}`,
        detail: { nextTryInSec: Math.round(waitMs / 1000) },
      })
      this.#retry = setTimeout(() => void this.look(), waitMs)
      this.#retry.unref()
    }
  }
}
