// The first start: measures the machine, has somebody confirm its clock, and says what is left to do.
import { Failure } from '../../shared/failure.ts'
import type {
  Checklist,
  RequirementCheck,
  RequirementReport,
  ServerTime,
  SetupState,
  TimeVerdict,
} from '../../shared/setup.ts'
import { timeZoneNames } from '../../shared/setup.ts'
import type { Space } from '../../shared/space.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { SettingStore } from '../db/setting-store.ts'
import { readClockTrust } from '../host/clock-trust.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import { checklistItems } from './checklist.ts'
import { outputOf } from './program.ts'
import { measurementCount, measureRequirements, type RecordingPlace } from './requirements.ts'
import type { ServerZone } from './server-zone.ts'

/** As it is kept, under the setting `setup`. */
interface StoredSetup {
  /** When it was finished; null while it is not. */
  finishedMs: number | null
  report: RequirementReport | null
  confirmedMs: number | null
  isChecklistShown: boolean
  isPictureSeen: boolean
}

export interface SetupServiceOptions {
  settings: SettingStore
  zone: ServerZone
  spaces: () => Promise<Space[]>
  /** Where a space's file system was mounted when the space was made. */
  mountPointOf: (spaceId: string) => Promise<string>
  /** How many cameras people have added. */
  cameraCount: () => Promise<number>
  health: () => StreamHealth[]
  mustChangePassword: (accountId: string) => Promise<boolean>
  log: LogService
  bus: Bus
  clock: Clock
  /** `NIGHTJAR_SETUP=done`: whoever starts the server has seen to all of it. */
  isDone: boolean
}

/** How far what somebody saw may be from the time now: further, and the clock was set meanwhile. */
const staleMs = 60_000
/** A clock before this is one that lost its battery: no server of this kind ran earlier. */
const earliestMs = Date.UTC(2026, 0, 1)

export class SetupService {
  readonly #options: SetupServiceOptions
  readonly #undo: () => void
  #stored: StoredSetup
  #writing: Promise<void> = Promise.resolve()
  #isMeasuring = false
  #doneCount = 0

  private constructor(options: SetupServiceOptions, stored: StoredSetup) {
    this.#options = options
    this.#stored = stored
    this.#undo = options.bus.on('picture-seen', () => this.#notePicture())
  }

  /**
   * Reads how far the setup is.
   *
   * A server that never kept it and has cameras is older than the setup, and counts as finished; so does one that is
   * told so. Neither shows the checklist.
   */
  static async open(options: SetupServiceOptions): Promise<SetupService> {
    const { settings, clock, cameraCount, isDone } = options
    const kept = await settings.get<StoredSetup>('setup')
    const isFinished = isDone || (kept === undefined && (await cameraCount()) > 0)
    let stored: StoredSetup = kept ?? {
      finishedMs: null,
      report: null,
      confirmedMs: null,
      isChecklistShown: !isFinished,
      isPictureSeen: false,
    }
    if (isFinished && stored.finishedMs === null) {
      stored = { ...stored, finishedMs: Math.floor(clock.utcUs() / 1000), isChecklistShown: false }
    }
    if (stored !== kept) await settings.set('setup', stored)
    return new SetupService(options, stored)
  }

  /** `accountId` is who asks: the password is their own. */
  async state(accountId: string): Promise<SetupState> {
    const { finishedMs, report, confirmedMs, isChecklistShown } = this.#stored
    if (finishedMs !== null) return { isFinished: true, isChecklistShown }
    if (report === null) return { isFinished: false, nextStep: 'requirements', isChecklistShown }
    if (confirmedMs === null) return { isFinished: false, nextStep: 'time', isChecklistShown }
    const mustChange = await this.#options.mustChangePassword(accountId)
    return { isFinished: false, nextStep: mustChange ? 'password' : 'finish', isChecklistShown }
  }

  check(): RequirementCheck {
    const { report } = this.#stored
    return {
      isRunning: this.#isMeasuring,
      doneCount: this.#doneCount,
      totalCount: measurementCount,
      ...(report === null ? {} : { report }),
    }
  }

  /** Measures all of it, in about five seconds at most. Fails `conflict` while that is being done. */
  async measure(by: LogAuthor): Promise<RequirementReport> {
    if (this.#isMeasuring) {
      throw new Failure('conflict', 'check requirements: a check is running, or still waits for a disk that hangs')
    }
    this.#isMeasuring = true
    this.#doneCount = 0
    try {
      const { findings, settled } = measureRequirements({
        place: await this.#place(),
        clockDoubt: await this.#clockDoubt(),
        onDone: (doneCount) => {
          this.#doneCount = doneCount
        },
      })
      const found = await findings
      void settled.then(() => {
        this.#isMeasuring = false
      })
      const report = { atMs: this.#nowMs(), findings: found }
      await this.#keep({ report })
      const bad = found.filter(({ verdict }) => verdict !== 'fine')
      this.#options.log.record({
        kind: 'system',
        level: bad.length > 0 ? 'warning' : 'info',
        name: 'requirements-checked',
        message: `requirements were checked: ${bad.length === 0 ? 'all fine' : named(bad)}`,
        by,
      })
      return report
    } catch (error) {
      this.#isMeasuring = false
      throw error
    }
  }

  /** The server's date and time, read anew, and what can be said of its clock. */
  async time(): Promise<ServerTime> {
    const { zone } = this.#options
    const [trust, doubt] = await Promise.all([readClockTrust(outputOf), this.#clockDoubt(), zone.refresh()])
    const { confirmedMs } = this.#stored
    return {
      nowMs: this.#nowMs(),
      timeZone: zone.get(),
      hostTimeZone: zone.machines(),
      sync: trust.sync,
      syncDetail: trust.detail,
      ...(doubt === undefined ? {} : { doubt }),
      ...(confirmedMs === null ? {} : { confirmedMs }),
      timeZones: [...timeZoneNames],
    }
  }

  /**
   * Takes what somebody says of date and time, and the zone to show them in; the machine's own is set too where it lets us.
   *
   * Fails `conflict` at `shownMs` where the clock is more than a minute from what was shown to them.
   */
  async judgeTime({ isRight, shownMs, timeZone: zone }: TimeVerdict, by: LogAuthor): Promise<ServerTime> {
    const offMs = this.#nowMs() - shownMs
    if (Math.abs(offMs) > staleMs) {
      throw new Failure(
        'conflict',
        `shownMs: the server’s clock is ${Math.round(Math.abs(offMs) / 1000)} s from the time shown: look at it again`,
        { field: 'shownMs' },
      )
    }
    const before = this.#options.zone.get()
    const set = await this.#options.zone.choose(zone)
    await this.#keep({ confirmedMs: isRight ? this.#nowMs() : null })
    const text = `${new Date(shownMs).toISOString()}, ${zone}`
    this.#options.log.record({
      kind: 'setting',
      level: isRight ? 'info' : 'warning',
      name: isRight ? 'time-confirmed' : 'time-disputed',
      message: isRight ? `date and time were confirmed: ${text}` : `date and time were said to be wrong: ${text}`,
      by,
      detail: {
        shownMs,
        timeZone: { from: before, to: zone },
        machine: set.isFound ? 'has this zone too' : set.reason,
      },
    })
    return this.time()
  }

  /** Marks the setup as finished. Fails `conflict` where it is, or where a step before was left out. */
  async finish(by: LogAuthor): Promise<void> {
    const { finishedMs, report, confirmedMs } = this.#stored
    if (finishedMs !== null) throw new Failure('conflict', 'finish setup: it is finished already')
    if (report === null) throw new Failure('conflict', 'finish setup: the requirements were not checked yet')
    if (confirmedMs === null) throw new Failure('conflict', 'finish setup: date and time are not confirmed')
    await this.#keep({ finishedMs: this.#nowMs() })
    const failed = report.findings.filter(({ verdict }) => verdict === 'failed')
    this.#options.log.record({
      kind: 'setting',
      level: failed.length > 0 ? 'warning' : 'info',
      name: 'setup-finished',
      message: `the setup was finished${failed.length > 0 ? ` all the same, with ${named(failed)}` : ''}`,
      by,
    })
  }

  /** What is left to do, from what is there now. */
  async checklist(accountId: string): Promise<Checklist> {
    const { spaces, cameraCount, health, mustChangePassword } = this.#options
    const { isChecklistShown, isPictureSeen } = this.#stored
    return {
      isShown: isChecklistShown,
      items: checklistItems({
        spaces: await spaces(),
        cameraCount: await cameraCount(),
        health: health(),
        isPictureSeen,
        mustChangePassword: await mustChangePassword(accountId),
      }),
    }
  }

  /** Shows or dismisses the checklist, for everybody. */
  async showChecklist(isShown: boolean, by: LogAuthor): Promise<void> {
    if (isShown === this.#stored.isChecklistShown) return
    await this.#keep({ isChecklistShown: isShown })
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: 'checklist-changed',
      message: `the checklist was ${isShown ? 'shown again' : 'dismissed'}`,
      by,
    })
  }

  /** Resolves when all is kept. */
  async close(): Promise<void> {
    this.#undo()
    await this.#writing
  }

  /** The default space. */
  async #place(): Promise<RecordingPlace | undefined> {
    const spaces = await this.#options.spaces()
    const space = spaces.find(({ isDefault }) => isDefault) ?? spaces[0]
    if (space === undefined) return undefined
    const fault =
      space.state === 'error' ? (space.faultDetail ?? space.fault ?? 'the recorder cannot use it') : undefined
    return { ...space, fault, mountPoint: await this.#options.mountPointOf(space.id) }
  }

  async #notePicture(): Promise<void> {
    if (!this.#stored.isPictureSeen) await this.#keep({ isPictureSeen: true })
  }

  /** Writes one after the other, so that none overtakes a later one. */
  #keep(change: Partial<StoredSetup>): Promise<void> {
    this.#stored = { ...this.#stored, ...change }
    const written = this.#writing.then(() => this.#options.settings.set('setup', this.#stored))
    this.#writing = written.catch(() => undefined)
    return written
  }

  /** Why the time cannot be right, where that is plain. */
  async #clockDoubt(): Promise<string | undefined> {
    const nowMs = this.#nowMs()
    if (nowMs < earliestMs)
      return `the clock says ${new Date(nowMs).toISOString()}, which is before this server was made`
    // More than the last: whoever logged in to see this was logged by the same wrong clock.
    const entries = await this.#options.log.list({ limit: 100 })
    const latestMs = Math.max(0, ...entries.map(({ atMs }) => atMs))
    if (latestMs <= nowMs + staleMs) return undefined
    return `the clock says ${new Date(nowMs).toISOString()}, but something was logged at ${new Date(latestMs).toISOString()}`
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function named(findings: { name: string; verdict: string; measured: string }[]): string {
  return findings.map(({ name, verdict, measured }) => `${name} ${verdict} (${measured})`).join(', ')
}
