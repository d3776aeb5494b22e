// When the index is reconciled with the files: at a start, after lost events; one at a time, in a thread of its own.

import type { Logger } from '../base/logger.ts'
import { persist } from '../base/persist.ts'
import type { CameraService } from '../camera/camera-service.ts'
import { type Database, isCorrupt, isDatabaseAway } from '../db/database.ts'
import type { PushHub } from '../http/push-socket.ts'
import type { LogService } from '../log/log-service.ts'
import { folderOf, type SpaceService } from '../space/space-service.ts'
import type { FootageRemovals } from './footage-removals.ts'
import { IndexThread } from './index-thread.ts'
import type { ReconcileReport } from './rebuild.ts'
import type { RecordingStore } from './recording-store.ts'

export interface ReconcilerOptions {
  index: Database
  store: RecordingStore
  cameras: CameraService
  spaces: SpaceService
  removals: FootageRemovals
  push: PushHub
  log: LogService
  logger: Logger
  serverId: string
}

/** Set in the index once all files were read into it: an index made anew is not whole until then. */
const wholeName = 'whole'

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #stop = new AbortController()
  #thread: IndexThread | undefined
  #running: Promise<void> | undefined
  #isDue = false

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** Has the index reconciled; once more after the run that is under way. */
  request(): void {
    this.#isDue = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#thread?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { logger, index } = this.#options
    while (this.#isDue && !this.#stop.signal.aborted) {
      this.#isDue = false
      try {
        await this.#reconcile()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        logger.error({ err: error }, 'the index could not be reconciled with the files')
        if (!isCorrupt(error)) return
        await index.recreate()
        this.#isDue = true
      }
    }
  }

  async #reconcile(): Promise<void> {
    const { index, spaces, cameras, removals, serverId } = this.#options
    const plan = { firstMs: 1000, longestMs: 30_000, isWorthwhile: isDatabaseAway, signal: this.#stop.signal }
    const report = await persist(plan, async () => {
      const [stored, known] = [await spaces.listStored(), await cameras.list()]
      const isWhole = (await index.knex('index_state').where('name', wholeName).first()) !== undefined
      const thread = new IndexThread(index.place)
      this.#thread = thread
      try {
        return await thread.run({
          type: 'reconcile',
          order: {
            spaces: stored
              .filter((space) => !space.isFresh)
              .map((space) => ({ id: space.id, folder: folderOf(space) })),
            serverId,
            // Footage of a camera that was removed with it is on its way out, and makes no channel.
            knownCameraIds: [...known.map((camera) => camera.id), ...(await removals.list())],
            makesGaps: !isWhole,
          },
        })
      } finally {
        this.#thread = undefined
        await thread.close()
      }
    })
    await this.#finish(report)
  }

  async #finish(report: ReconcileReport): Promise<void> {
    const { index, store, cameras, removals, log, logger, push } = this.#options
    for (const { cameraId, name, spaceId } of report.unknownChannels) {
      await cameras.createRecovered(cameraId, name, spaceId)
    }
    await store.endForgottenGaps()
    await removals.settle()
    await index.knex('index_state').insert({ name: wholeName, value: 'true' }).onConflict('name').merge()
    for (const note of report.notes.slice(0, 20)) logger.warn({ note }, 'reconciling the index')
    if (report.added === 0 && report.dropped === 0) return
    const ids = (await cameras.list()).map((camera) => camera.id)
    push.broadcast({ type: 'recording-changed', cameraIds: ids })
    log.record({
      kind: 'system',
      level: report.dropped > 0 ? 'warning' : 'info',
      name: 'index-reconciled',
      message: `the index was reconciled with the files: ${report.added} segments added, ${report.dropped} dropped`,
      detail: { added: report.added, dropped: report.dropped, notes: report.notes.slice(0, 20) },
    })
  }
}
