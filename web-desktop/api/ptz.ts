// Turning cameras: which can be turned, and what is asked of them.
import type { Camera } from '../../shared/camera.ts'
import type { PtzAbilities, PtzPreset, PtzSpeeds } from '../../shared/ptz.ts'
import type { Followable } from '../base/store.ts'
import { getJson, request } from './client.ts'

/** How long a camera that did not answer is left alone, in milliseconds. */
const retryMs = 30_000

interface Entry {
  /** As it was when it was asked: after a change it is asked again. */
  camera: Camera
  askedMs: number
  isAsking: boolean
  abilities: PtzAbilities | undefined
}

/** What cameras can do, each asked once it is looked for. */
class PtzDirectory implements Followable {
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<() => void>()

  /** What is known of a camera; undefined where it cannot be turned, or that is not known yet. */
  of(camera: Camera): Extract<PtzAbilities, { hasPtz: true }> | undefined {
    const abilities = this.#entries.get(camera.id)?.abilities
    return abilities?.hasPtz && isTurnable(camera) ? abilities : undefined
  }

  /** Asks the camera, unless that was done. */
  look(camera: Camera): void {
    if (!isTurnable(camera)) return
    const before = this.#entries.get(camera.id)
    if (before?.camera === camera) {
      if (isAnswer(before.abilities) || before.isAsking || performance.now() - before.askedMs < retryMs) return
    }
    const entry = { camera, askedMs: performance.now(), isAsking: true, abilities: before?.abilities }
    this.#entries.set(camera.id, entry)
    void this.#ask(entry)
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #ask(entry: Entry): Promise<void> {
    try {
      entry.abilities = await getJson<PtzAbilities>(pathOf(entry.camera.id))
    } catch {
      // Not allowed, or the server is away: then nothing is offered.
      entry.abilities = undefined
    }
    entry.isAsking = false
    for (const listener of [...this.#listeners]) listener()
  }
}

export const ptzDirectory = new PtzDirectory()

/** Whether the camera said it, and need not be asked again. */
function isAnswer(abilities: PtzAbilities | undefined): boolean {
  return abilities !== undefined && (abilities.hasPtz || abilities.reason === 'no-ptz')
}

function isTurnable(camera: Camera): boolean {
  return camera.onvifHost !== '' && camera.isEnabled
}

function pathOf(cameraId: string, ...more: string[]): string {
  return ['api/cameras', cameraId, 'ptz', ...more].join('/')
}

/** Moves for a second; to be sent again for the move to go on. */
export function moveCamera(cameraId: string, speeds: PtzSpeeds): Promise<void> {
  return request('POST', pathOf(cameraId, 'move'), speeds)
}

export function stopCamera(cameraId: string): Promise<void> {
  return request('POST', pathOf(cameraId, 'stop'))
}

export function sendHome(cameraId: string): Promise<void> {
  return request('POST', pathOf(cameraId, 'home'))
}

export function listPresets(cameraId: string): Promise<PtzPreset[]> {
  return getJson(pathOf(cameraId, 'presets'))
}

/** Keeps where the camera looks now, in place of the preset of that name where there is one. */
export function savePreset(cameraId: string, name: string): Promise<PtzPreset> {
  return request('POST', pathOf(cameraId, 'presets'), { name })
}

export function goToPreset(cameraId: string, token: string): Promise<void> {
  return request('POST', pathOf(cameraId, 'presets', encodeURIComponent(token), 'go'))
}

export function removePreset(cameraId: string, token: string): Promise<void> {
  return request('DELETE', pathOf(cameraId, 'presets', encodeURIComponent(token)))
}
