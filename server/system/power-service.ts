// Restarts and ends the machine or this service, once the recorder has closed its segments.
import { Failure } from '../../shared/failure.ts'
import type { PowerAction } from '../../shared/power.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'

/** What the process itself is to do, for nothing but its entry point ends it. */
export type ServiceWish = 'restart' | 'stop' | 'remove-data'

export interface PowerServiceOptions {
  host: Pick<Host, 'power'>
  /** Ends the recorder: every segment is closed first. */
  endRecorder: () => Promise<void>
  /** Undefined where nobody can start or end this process, as in tests of other things. */
  onServiceWish: ((wish: ServiceWish) => void) | undefined
  log: LogService
}

const words: Record<PowerAction, string> = {
  'restart-machine': 'restart of the machine',
  'shut-down-machine': 'shutdown of the machine',
  'restart-service': 'restart of the service',
  'stop-service': 'stop of the service',
}

export class PowerService {
  readonly #options: PowerServiceOptions
  #isGoing = false

  constructor(options: PowerServiceOptions) {
    this.#options = options
  }

  /**
   * Does it; gives what is left to do once the answer is sent.
   *
   * Fails `conflict` where the machine has no such thing or another wish is being carried out, `forbidden` where it asks
   * for more rights, `unreachable` where it says no. Then everything runs on, the recorder begun anew where it was ended.
   */
  async apply(action: PowerAction, reason: string, by: LogAuthor, session?: HostSession): Promise<() => void> {
    const { host, endRecorder, onServiceWish, log } = this.#options
    if (this.#isGoing) throw new Failure('conflict', 'another restart or shutdown is under way')
    const isMachine = action === 'restart-machine' || action === 'shut-down-machine'
    if (!isMachine && onServiceWish === undefined) {
      throw new Failure('conflict', `${words[action]}: nobody would start or end this process`)
    }
    if (isMachine) mustBeFound(await host.power.check(session))
    this.#isGoing = true
    const because = reason === '' ? '' : `: ${reason}`
    const message = `${by.username ?? 'somebody'} asked for a ${words[action]}${because}`
    log.record({ kind: 'system', level: 'warning', name: 'power-asked', message, by, detail: { action, reason } })
    await log.flush()
    await endRecorder()
    if (!isMachine) return () => onServiceWish!(action === 'restart-service' ? 'restart' : 'stop')
    const { power } = host
    const answer = await (action === 'restart-machine' ? power.restart(session) : power.shutDown(session))
    if (answer.isFound) return () => {}
    this.#isGoing = false
    log.record({ kind: 'system', level: 'error', name: 'power-failed', message: answer.reason, by })
    // What was ended for it begins anew.
    onServiceWish?.('restart')
    return mustBeFound(answer)
  }
}

function mustBeFound<T>(finding: Awaited<ReturnType<Host['power']['check']>> & { value?: T }): never | (() => void) {
  if (finding.isFound) return () => {}
  const kinds = {
    'not-available': 'conflict',
    denied: 'forbidden',
    refused: 'unreachable',
    failed: 'unreachable',
  } as const
  throw new Failure(kinds[finding.kind], finding.reason)
}
