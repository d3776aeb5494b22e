// The NAS's time zone and clock.
import { readClockSync } from '../clock-sync.ts'
import { type Finding, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { ToolRunner } from '../tool-runner.ts'
import { checkTimeZone, isTimeZoneName, type WallClockPart, type WallClockState } from '../wall-clock.ts'
import type { QtsConfig } from './qts-config.ts'

export class QtsWallClock implements WallClockPart {
  readonly #config: QtsConfig
  readonly #tools: ToolRunner
  readonly #files: MachineFiles

  constructor(config: QtsConfig, tools: ToolRunner, files: MachineFiles) {
    this.#config = config
    this.#tools = tools
    this.#files = files
  }

  async get(): Promise<WallClockState> {
    return { timeZone: await this.#timeZone(), isSynchronised: await readClockSync(this.#tools, this.#files) }
  }

  /** QTS has no program for it that others may use, and a changed setting alone does not reach the clock. */
  async setTimeZone(zone: string): Promise<Finding<undefined>> {
    checkTimeZone(zone)
    return lack(
      'not-available',
      'set time zone: on a NAS it is set in the Control Panel of QTS, under General Settings',
    )
  }

  async #timeZone(): Promise<Finding<string>> {
    const zone = await this.#config.get('System', 'Time Zone')
    if (!zone.isFound || isTimeZoneName(zone.value)) return zone
    return lack('failed', `read time zone: ${JSON.stringify(zone.value.slice(0, 64))} names none`)
  }
}
