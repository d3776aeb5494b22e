// Deletions of footage in the durable log: counted, for overwriting removes a file every few seconds.
import type { LogService } from '../log/log-service.ts'
import type { SpaceService } from '../space/space-service.ts'

/** How often deletions are written to the log, in milliseconds. */
const everyMs = 600_000

export class RemovalLog {
  readonly #log: LogService
  readonly #spaces: SpaceService
  readonly #counts = new Map<string, { spaceId: string; reason: string; segments: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: LogService, spaces: SpaceService) {
    this.#log = log
    this.#spaces = spaces
  }

  note(spaceId: string, reason: string, segments: number): void {
    const key = `${spaceId}/${reason}`
    const count = this.#counts.get(key) ?? { spaceId, reason, segments: 0 }
    count.segments += segments
    this.#counts.set(key, count)
    this.#timer ??= setTimeout(() => void this.#write().catch(() => {}), everyMs).unref()
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#write().catch(() => {})
  }

  async #write(): Promise<void> {
    this.#timer = undefined
    if (this.#counts.size === 0) return
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    const spaces = await this.#spaces.listStored().catch(() => [])
    for (const { spaceId, reason, segments } of counts) {
      const name = spaces.find((one) => one.id === spaceId)?.name ?? spaceId
      this.#log.record({
        kind: 'deletion',
        level: 'info',
        name: 'footage-removed',
        message: `${segments} segments were removed from recording space ${name}: ${reason}`,
        detail: { spaceId, segments, reason },
      })
    }
  }
}
