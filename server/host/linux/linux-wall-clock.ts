// The time zone and clock of a Linux machine.
import { readlink } from 'node:fs/promises'
import { readClockSync } from '../clock-sync.ts'
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { ToolRunner } from '../tool-runner.ts'
import { checkTimeZone, isTimeZoneName, type WallClockPart, type WallClockState } from '../wall-clock.ts'
import type { RootClient } from './root-client.ts'

export class LinuxWallClock implements WallClockPart {
  readonly #tools: ToolRunner
  readonly #files: MachineFiles
  readonly #root: RootClient

  constructor(tools: ToolRunner, files: MachineFiles, root: RootClient) {
    this.#tools = tools
    this.#files = files
    this.#root = root
  }

  async get(): Promise<WallClockState> {
    const [timeZone, isSynchronised] = await Promise.all([
      this.#timeZone(),
      asFinding('read clock synchronisation', 15_000, () => readClockSync(this.#tools, this.#files)),
    ])
    return { timeZone, isSynchronised }
  }

  /** Set by root, then read back. */
  async setTimeZone(zone: string): Promise<Finding<undefined>> {
    checkTimeZone(zone)
    const answer = await this.#root.ask({ verb: 'set-time-zone', zone })
    if (!answer.isFound) return answer
    const now = await this.#timeZone()
    if (!now.isFound) return now
    return now.value === zone ? answer : lack('failed', `set time zone ${zone}: it is ${now.value} all the same`)
  }

  /** `/etc/localtime` is a link into the time zone database (localtime(5)); Debian has the name in `/etc/timezone` too. */
  #timeZone(): Promise<Finding<string>> {
    return asFinding('read time zone', 3000, async () => {
      const target = await readlink(this.#files.path('/etc/localtime')).catch(() => '')
      const linked = /zoneinfo\/(.+)$/.exec(target)?.[1]
      const zone = linked ?? (await this.#files.readLine('/etc/timezone'))
      if (zone === undefined)
        return lack('not-available', 'read time zone: neither /etc/localtime nor /etc/timezone tells')
      return isTimeZoneName(zone) ? found(zone) : lack('failed', 'read time zone: what is set names none')
    })
  }
}
