// The zone the server's time is shown in: as somebody chose it, else the machine's own.
import { timeZone } from '../../shared/setup.ts'
import type { SettingStore } from '../db/setting-store.ts'
import { type Finding, found } from '../host/finding.ts'
import type { WallClockPart } from '../host/wall-clock.ts'

const settingName = 'time-zone'

export class ServerZone {
  readonly #settings: SettingStore
  readonly #wallClock: WallClockPart
  #machines: string
  #chosen: string | undefined

  private constructor(settings: SettingStore, wallClock: WallClockPart, machines: string, chosen: string | undefined) {
    this.#settings = settings
    this.#wallClock = wallClock
    this.#machines = machines
    this.#chosen = chosen
  }

  static async open(settings: SettingStore, wallClock: WallClockPart): Promise<ServerZone> {
    return new ServerZone(settings, wallClock, await machineZone(wallClock), await settings.get<string>(settingName))
  }

  get(): string {
    return this.#chosen ?? this.#machines
  }

  /** The machine's own; UTC where it is none that is known. */
  machines(): string {
    return this.#machines
  }

  /** Reads the machine's own again: somebody may have changed it there. */
  async refresh(): Promise<void> {
    this.#machines = await machineZone(this.#wallClock)
  }

  /** Chooses it, and sets the machine's own where the machine lets us; that it does not is found, and harms nothing. */
  async choose(zone: string): Promise<Finding<undefined>> {
    await this.#settings.set(settingName, zone)
    this.#chosen = zone
    if (zone === this.#machines) return found(undefined)
    const set = await this.#wallClock.setTimeZone(zone)
    await this.refresh()
    return set
  }
}

/** What the machine's files say; else what this process was started in. */
async function machineZone(wallClock: WallClockPart): Promise<string> {
  const { timeZone: told } = await wallClock.get()
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const known = timeZone.safeParse(told.isFound ? told.value : own)
  return known.data ?? timeZone.safeParse(own).data ?? 'UTC'
}
