// How the server itself is.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { SystemStatus } from '../../shared/system.ts'
import type { Clock } from '../base/clock.ts'
import { knownValue } from '../host/finding.ts'
import type { Host } from '../host/host.ts'

export interface SystemServiceOptions {
  version: string
  serverId: string
  database: SystemStatus['database']
  clock: Clock
  host: Pick<Host, 'kind' | 'identity'>
  serverName: () => string
  timeZone: () => string
  /** How the recorder is, as far as the server knows. */
  recorder: () => SystemStatus['recorder']
}

/** The span the loop's delay is given over, in milliseconds. */
const windowMs = 60_000
/** How often the loop is woken to see whether it is late, in milliseconds: each time costs, also where nothing goes on. */
const resolution = 250

export class SystemService {
  readonly #options: SystemServiceOptions
  readonly #startedMs: number
  // Two histograms, each begun anew in turn, so that there is always one that covers between a half and a whole window.
  readonly #delays = [monitorEventLoopDelay({ resolution }), monitorEventLoopDelay({ resolution })]
  readonly #turner: NodeJS.Timeout
  #machine: Pick<SystemStatus, 'model' | 'system'> = {}

  constructor(options: SystemServiceOptions) {
    this.#options = options
    this.#startedMs = this.#nowMs()
    for (const delay of this.#delays) delay.enable()
    this.#turner = setInterval(() => {
      this.#delays.reverse()
      this.#delays[1]!.reset()
    }, windowMs / 2)
    this.#turner.unref()
    void this.#readMachine()
  }

  status(): SystemStatus {
    const { version, serverId, database, host, serverName, timeZone, recorder } = this.#options
    // The histogram holds the timer's whole period: what is over it is the delay.
    const p99Ms = this.#delays[0]!.percentile(99) / 1e6 - resolution
    return {
      version,
      serverId,
      startedMs: this.#startedMs,
      nowMs: this.#nowMs(),
      serverName: serverName(),
      ...this.#machine,
      hostKind: host.kind,
      timeZone: timeZone(),
      database,
      recorder: recorder(),
      loopDelayP99Ms: Math.round(Math.max(0, p99Ms) * 10) / 10,
    }
  }

  close(): void {
    clearInterval(this.#turner)
    for (const delay of this.#delays) delay.disable()
  }

  /** Once: a machine does not become another while it runs. */
  async #readMachine(): Promise<void> {
    const identity = await this.#options.host.identity.get()
    const [model, system] = [knownValue(identity.model), knownValue(identity.system)]
    this.#machine = { ...(model === undefined ? {} : { model }), ...(system === undefined ? {} : { system }) }
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}
