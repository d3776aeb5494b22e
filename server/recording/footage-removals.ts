// Which cameras' footage is to be removed: kept from the wish until all of it is gone, over restarts of either process.
import type { SettingStore } from '../db/setting-store.ts'
import type { RecordingStore } from './recording-store.ts'

const settingName = 'footage-to-remove'

export class FootageRemovals {
  readonly #settings: SettingStore
  readonly #store: RecordingStore

  constructor(settings: SettingStore, store: RecordingStore) {
    this.#settings = settings
    this.#store = store
  }

  hasFootage(cameraId: string): Promise<boolean> {
    return this.#store.hasFootage(cameraId)
  }

  async add(cameraId: string): Promise<void> {
    await this.#settings.set(settingName, [...new Set([...(await this.list()), cameraId])])
  }

  async list(): Promise<string[]> {
    return (await this.#settings.get<string[]>(settingName)) ?? []
  }

  /** Forgets those whose footage is gone from the index. To be called once it was reconciled with the files. */
  async settle(): Promise<void> {
    const due = await this.list()
    const left: string[] = []
    for (const cameraId of due) if (await this.#store.hasFootage(cameraId)) left.push(cameraId)
    if (left.length < due.length) await this.#settings.set(settingName, left)
  }
}
