// Which cameras' footage is to be removed: kept from the wish until all of it is gone, over restarts of either process.
import type { SettingStore } from '../db/setting-store.ts'
import type { RecordingStore } from './recording-store.ts'

const settingName = 'footage-to-remove'

export class FootageRemovals {
  readonly #settings: SettingStore
  readonly #store: RecordingStore
  /** What the setting holds; read once, since nobody else writes it. */
  #due: Set<string> | undefined

  constructor(settings: SettingStore, store: RecordingStore) {
    this.#settings = settings
    this.#store = store
  }

  hasFootage(cameraId: string): Promise<boolean> {
    return this.#store.hasFootage(cameraId)
  }

  async add(cameraId: string): Promise<void> {
    const due = new Set(await this.list()).add(cameraId)
    await this.#settings.set(settingName, [...due])
    this.#due = due
  }

  async list(): Promise<string[]> {
    this.#due ??= new Set((await this.#settings.get<string[]>(settingName)) ?? [])
    return [...this.#due]
  }

  /** Those of which the index still knows footage: a segment was open, or being served, when the rest was removed. */
  async listUnfinished(): Promise<string[]> {
    const left: string[] = []
    for (const cameraId of await this.list()) if (await this.#store.hasFootage(cameraId)) left.push(cameraId)
    return left
  }

  /** Forgets those whose footage is gone from the index. To be called once it was reconciled with the files. */
  async settle(): Promise<void> {
    const left = await this.listUnfinished()
    if (left.length === this.#due?.size) return
    await this.#settings.set(settingName, left)
    this.#due = new Set(left)
  }
}
