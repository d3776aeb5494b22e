// Turning cameras: which can be turned, who moves, and the positions they keep by name.
import type { Camera } from '../../shared/camera.ts'
import { Failure } from '../../shared/failure.ts'
import type { PtzAbilities, PtzPreset, PtzSpeeds } from '../../shared/ptz.ts'
import { ptzHoldMs } from '../../shared/ptz-limits.ts'
import type { Bus } from '../base/bus.ts'
import type { Logger } from '../base/logger.ts'
import { loginKey, processLoginGate } from '../base/retry.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import type { CameraService } from './camera-service.ts'
import type { OnvifOptions } from './onvif.ts'
import { noHead, PtzHead } from './ptz-head.ts'

export interface PtzServiceOptions {
  cameras: CameraService
  log: LogService
  bus: Bus
  logger: Logger
  onvif?: OnvifOptions
  /** Of `PtzHeadOptions`; `ptzHoldMs` where not given. */
  holdMs?: number
  /** Of `PtzHeadOptions`; half a minute where not given. */
  idleMs?: number
}

/** Ways to cameras that stay open at once, each a thread. Past it the one used longest ago, and not moving, is closed. */
const maxOpen = 16
/** Cameras that are asked what they can do at once: a page with sixteen pictures asks for sixteen. */
const maxAsking = 2

export class PtzService {
  readonly #options: PtzServiceOptions
  /** Of cameras that answered; forgotten when the camera is changed. */
  readonly #known = new Map<string, PtzAbilities>()
  readonly #asking = new Map<string, Promise<PtzAbilities>>()
  readonly #heads = new Map<string, PtzHead>()
  readonly #waiting: (() => void)[] = []
  readonly #undoings: (() => void)[]
  #active = 0

  constructor(options: PtzServiceOptions) {
    this.#options = options
    const { bus } = options
    this.#undoings = [
      bus.on('camera-changed', ({ camera }) => this.#forget(camera.id)),
      bus.on('camera-removed', ({ cameraId }) => this.#forget(cameraId)),
    ]
  }

  /**
   * What the camera can do. It is asked once, and again after it was changed or did not answer.
   *
   * A camera that cannot be turned, or does not answer, is a finding. Fails `not-found`.
   */
  async abilities(cameraId: string): Promise<PtzAbilities> {
    const camera = await this.#options.cameras.get(cameraId)
    const lack = lackOf(camera)
    if (lack !== undefined) return lack
    const known = this.#known.get(cameraId)
    if (known !== undefined) return known
    let asking = this.#asking.get(cameraId)
    if (asking === undefined) {
      asking = this.#ask(camera).finally(() => this.#asking.delete(cameraId))
      this.#asking.set(cameraId, asking)
    }
    return asking
  }

  /**
   * Moves a camera; it stands still `ptzHoldMs` after the last call, or at `stop`.
   *
   * This and what follows fails `not-found`, `conflict` where the camera cannot do that or refuses, `unreachable`.
   */
  async move(cameraId: string, speeds: PtzSpeeds): Promise<void> {
    await (await this.#head(cameraId, 'turn')).move(speeds)
  }

  async stop(cameraId: string): Promise<void> {
    await (await this.#head(cameraId, 'stop')).stop()
  }

  async goHome(cameraId: string): Promise<void> {
    const head = await this.#head(cameraId, 'send home')
    const { hasHome } = await head.abilities()
    if (!hasHome) {
      const { name } = await this.#options.cameras.get(cameraId)
      throw new Failure('conflict', `send home ${name}: it has no home position`)
    }
    await head.go('send home', { what: 'home' })
  }

  /** In the camera's order. */
  async listPresets(cameraId: string): Promise<PtzPreset[]> {
    const result = await (await this.#head(cameraId, 'list presets of')).do('list presets of', { what: 'presets' })
    return result.kind === 'presets' ? result.presets : []
  }

  async goToPreset(cameraId: string, token: string): Promise<void> {
    await (await this.#head(cameraId, 'send to a preset')).go('send to a preset', { what: 'go', token })
  }

  /** Keeps where the camera looks now under a name, in place of the preset of that name where there is one. */
  async savePreset(cameraId: string, name: string, by: LogAuthor): Promise<PtzPreset> {
    const head = await this.#head(cameraId, 'save a preset of')
    return this.#logged(cameraId, 'saved', by, await head.do('save a preset of', { what: 'save', name }))
  }

  async removePreset(cameraId: string, token: string, by: LogAuthor): Promise<void> {
    const head = await this.#head(cameraId, 'remove a preset of')
    await this.#logged(cameraId, 'removed', by, await head.do('remove a preset of', { what: 'remove', token }))
  }

  /** Ends all moves and lets go of all cameras. */
  async close(): Promise<void> {
    for (const undo of this.#undoings) undo()
    await Promise.all([...this.#heads.values()].map((head) => head.close()))
    this.#heads.clear()
  }

  async #logged(
    cameraId: string,
    what: 'saved' | 'removed',
    by: LogAuthor,
    result: Awaited<ReturnType<PtzHead['do']>>,
  ): Promise<PtzPreset> {
    if (result.kind !== 'preset') throw new Failure('internal', `preset ${what}: the camera's answer is missing`)
    const { preset } = result
    const { name } = await this.#options.cameras.get(cameraId)
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: `ptz-preset-${what}`,
      message: `camera ${name}: preset ${preset.name || preset.token} was ${what}`,
      cameraId,
      by,
      detail: { ...preset },
    })
    return preset
  }

  async #ask(camera: Camera): Promise<PtzAbilities> {
    if (this.#active >= maxAsking) await new Promise<void>((go) => this.#waiting.push(go))
    this.#active++
    try {
      const known = this.#known.get(camera.id)
      if (known !== undefined) return known
      const head = await this.#head(camera.id, 'ask')
      const wasOpen = head.isOpen
      const abilities = await head.abilities()
      // Most that are asked are not turned.
      if (!wasOpen && !head.isBusy) head.letGo()
      return abilities
    } catch (error) {
      const known = this.#known.get(camera.id)
      if (known !== undefined) return known
      if (!(error instanceof Failure)) throw error
      return { hasPtz: false, reason: 'unreachable', detail: error.message }
    } finally {
      this.#active--
      this.#waiting.shift()?.()
    }
  }

  /** The head of a camera that may have one. */
  async #head(cameraId: string, attempt: string): Promise<PtzHead> {
    const { cameras, logger, onvif = {}, holdMs = ptzHoldMs, idleMs = 30_000 } = this.#options
    const camera = await cameras.get(cameraId)
    const lack = lackOf(camera) ?? this.#known.get(cameraId)
    if (lack?.hasPtz === false) throw new Failure('conflict', `${attempt} ${camera.name}: ${lack.detail}`)
    const password = await cameras.passwordOf(cameraId)
    const there = this.#heads.get(cameraId)
    if (there !== undefined) return there
    this.#makeRoom()
    const { loginGate = processLoginGate } = onvif
    const head: PtzHead = new PtzHead({
      camera,
      password,
      logger,
      onvif,
      holdMs,
      idleMs,
      onOpening: (opening) => {
        if (this.#heads.get(cameraId) !== head || opening.kind === 'failed') return
        const none: PtzAbilities = { hasPtz: false, reason: 'no-ptz', detail: noHead }
        this.#known.set(cameraId, opening.kind === 'head' ? opening.abilities : none)
      },
      onRefused: () => loginGate.noteRefusal(loginKey(camera.onvifHost, camera.username), password),
    })
    this.#heads.set(cameraId, head)
    return head
  }

  #makeRoom(): void {
    const open = [...this.#heads.values()].filter((head) => head.isOpen)
    if (open.length < maxOpen) return
    const idle = open.filter((head) => !head.isBusy).sort((a, b) => a.usedMs - b.usedMs)
    idle[0]?.letGo()
  }

  #forget(cameraId: string): void {
    this.#known.delete(cameraId)
    const head = this.#heads.get(cameraId)
    this.#heads.delete(cameraId)
    void head?.close()
  }
}

/** Why a camera cannot be turned, as far as that is known without asking it. */
function lackOf(camera: Camera): PtzAbilities | undefined {
  if (!camera.isEnabled) return { hasPtz: false, reason: 'disabled', detail: 'the camera is disabled' }
  if (camera.onvifHost !== '') return undefined
  const detail = 'it was added by the address of its streams alone; give it the host of its ONVIF service'
  return { hasPtz: false, reason: 'no-onvif', detail }
}
