// One camera that can be turned: keeps the way to it open while it is used, and ends every move that nobody renews.
import type { Camera } from '../../shared/camera.ts'
import { Failure } from '../../shared/failure.ts'
import type { PtzSpeeds } from '../../shared/ptz.ts'
import type { Logger } from '../base/logger.ts'
import type { OnvifOptions } from './onvif.ts'
import {
  cameraTimeoutMs,
  type HeadAbilities,
  type PtzCommand,
  type PtzOpening,
  type PtzResult,
} from './ptz-conversation.ts'
import { PtzLink } from './ptz-link.ts'

export interface PtzHeadOptions {
  camera: Camera
  password: string
  logger: Logger
  onvif: OnvifOptions
  /** How long a move lasts that is not renewed, in milliseconds. */
  holdMs: number
  /** How long the way to the camera stays open unused, in milliseconds. */
  idleMs: number
  /** Told of each opening: what the camera can do, or why it cannot be said. */
  onOpening: (opening: PtzOpening) => void
  /** Told of a login that was accepted once and is now refused. */
  onRefused: () => void
}

/** How often an end that the camera does not take is tried, and the pause before each further try, in milliseconds. */
const stopTries = 3
const stopPauseMs = 500

export class PtzHead {
  readonly #options: PtzHeadOptions
  #opened: Promise<{ link: PtzLink; abilities: HeadAbilities }> | undefined
  #moving: { speeds: PtzSpeeds; sentMs: number } | undefined
  /** Counts wishes: what is left of an older one must not touch the newer one's move. */
  #wish = 0
  #holdTimer: ReturnType<typeof setTimeout> | undefined
  #idleTimer: ReturnType<typeof setTimeout> | undefined
  /** Commands that wait for an answer. */
  #asked = 0
  #isClosed = false
  /** Monotonic, of the last command. */
  usedMs = performance.now()

  constructor(options: PtzHeadOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  /** Whether closing the way to the camera now would cost somebody an answer, or leave a move without its end. */
  get isBusy(): boolean {
    return this.#moving !== undefined || this.#asked > 0
  }

  /** What the camera can do. Fails as `do` does. */
  async abilities(): Promise<HeadAbilities> {
    return (await this.#open('ask')).abilities
  }

  /** Moves until `holdMs` pass without another call, or until something else is wished. Fails as `do` does. */
  async move(speeds: PtzSpeeds): Promise<void> {
    const wish = this.#begin()
    try {
      const { abilities } = await this.#open('turn')
      this.#checkAxes(speeds, abilities)
      const before = this.#moving
      const isSame = before !== undefined && axes.every((axis) => before.speeds[axis] === speeds[axis])
      // Said again to the camera before its own time limit ends the move, and no oftener: some jerk at each.
      if (isSame && performance.now() - before.sentMs < cameraTimeoutMs / 2) return
      if (wish !== this.#wish) return
      this.#moving = { speeds, sentMs: performance.now() }
      await this.do('turn', { what: 'move', ...speeds, parts: partsOf(speeds, before?.speeds, abilities) })
    } finally {
      // A move that failed for want of an answer may have begun all the same.
      if (wish === this.#wish && this.#moving !== undefined) this.#hold(wish)
    }
  }

  /** Ends a move, or a way to a preset. Where the camera does not take it, it is tried again. Fails as `do` does. */
  async stop(): Promise<void> {
    const wish = this.#begin()
    const wasMoving = this.#moving !== undefined
    try {
      await this.do('stop', { what: 'stop' })
      if (wish === this.#wish) this.#moving = undefined
    } catch (error) {
      if (wasMoving && wish === this.#wish) this.#hold(wish)
      throw error
    }
  }

  /** Sends the camera to a place of its own: what moved it before is over. Fails as `do` does. */
  async go(attempt: string, command: PtzCommand): Promise<void> {
    this.#begin()
    this.#moving = undefined
    await this.do(attempt, command)
  }

  /**
   * Has the camera do something, and gives what it answered.
   *
   * Fails `unreachable` where it does not answer or refuses the login, `conflict` where it cannot be turned or will not,
   * `not-found` where it has no such preset.
   */
  async do(attempt: string, command: PtzCommand): Promise<PtzResult> {
    const result = await this.#ask(attempt, command)
    const { name } = this.#options.camera
    if (result.kind === 'failed') {
      if (result.fault === 'login') this.#options.onRefused()
      throw this.#unreachable(attempt, result.words)
    }
    if (result.kind === 'refused')
      throw new Failure('conflict', `${attempt} ${name}: the camera refuses: ${result.words}`)
    if (result.kind === 'missing') throw new Failure('not-found', `${attempt} ${name}: the camera has no such preset`)
    return result
  }

  /** Ends a move, if there is one, waiting two seconds at most; then lets go of the camera. */
  async close(): Promise<void> {
    if (this.#moving !== undefined) {
      const patience = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref())
      await Promise.race([this.stop().catch((error) => this.#warn(error)), patience])
    }
    this.#isClosed = true
    this.#begin()
    this.letGo()
  }

  /** Closes the way to the camera; the next command opens it again. */
  letGo(): void {
    clearTimeout(this.#idleTimer)
    const opened = this.#opened
    this.#opened = undefined
    opened?.then(({ link }) => link.close()).catch(() => undefined)
  }

  async #ask(attempt: string, command: PtzCommand): Promise<PtzResult> {
    this.#asked++
    try {
      const opened = this.#open(attempt)
      const { link } = await opened
      this.#keepOpen()
      const result = await link.ask(command)
      if (result.kind === 'failed' && this.#opened === opened) this.#opened = undefined
      return result
    } finally {
      this.#asked--
    }
  }

  #begin(): number {
    clearTimeout(this.#holdTimer)
    return ++this.#wish
  }

  #open(attempt: string): Promise<{ link: PtzLink; abilities: HeadAbilities }> {
    this.usedMs = performance.now()
    if (this.#opened === undefined) {
      const opening = this.#connect(attempt)
      this.#opened = opening
      opening.then(
        () => this.#keepOpen(),
        () => {
          if (this.#opened === opening) this.#opened = undefined
        },
      )
    }
    return this.#opened
  }

  async #connect(attempt: string): Promise<{ link: PtzLink; abilities: HeadAbilities }> {
    const { camera, password, onvif } = this.#options
    const { onvifHost: host, onvifPort: port, username, name, streams } = camera
    if (this.#isClosed) throw new Failure('conflict', `${attempt} ${name}: the camera was changed meanwhile`)
    const streamUrl = streams[0]?.url ?? ''
    const { link, opening } = await PtzLink.open({ host, port, username, password, streamUrl }, onvif)
    this.#options.onOpening(opening)
    if (opening.kind === 'failed') throw this.#unreachable(attempt, opening.words)
    if (opening.kind === 'none') throw new Failure('conflict', `${attempt} ${name}: ${noHead}`)
    return { link: link!, abilities: opening.abilities }
  }

  #checkAxes(speeds: PtzSpeeds, abilities: HeadAbilities): void {
    const can = { pan: abilities.canPan, tilt: abilities.canTilt, zoom: abilities.canZoom }
    const lacking = axes.find((axis) => speeds[axis] !== 0 && !can[axis])
    if (lacking !== undefined) {
      throw new Failure('conflict', `turn ${this.#options.camera.name}: it cannot ${lacking}`, { field: lacking })
    }
  }

  #hold(wish: number): void {
    clearTimeout(this.#holdTimer)
    this.#holdTimer = setTimeout(() => void this.#end(wish), this.#options.holdMs)
  }

  /** Ends a move that nobody renewed. */
  async #end(wish: number): Promise<void> {
    for (let tries = 1; wish === this.#wish; tries++) {
      try {
        await this.do('stop', { what: 'stop' })
        if (wish === this.#wish) this.#moving = undefined
        return
      } catch (error) {
        if (tries < stopTries) await new Promise((resolve) => setTimeout(resolve, stopPauseMs))
        else {
          if (wish === this.#wish) this.#moving = undefined
          return this.#warn(error)
        }
      }
    }
  }

  #keepOpen(): void {
    clearTimeout(this.#idleTimer)
    this.usedMs = performance.now()
    this.#idleTimer = setTimeout(() => {
      if (this.isBusy) this.#keepOpen()
      else this.letGo()
    }, this.#options.idleMs)
    this.#idleTimer.unref()
  }

  #unreachable(attempt: string, words: string): Failure {
    const { name, onvifHost, onvifPort } = this.#options.camera
    return new Failure('unreachable', `${attempt} ${name}: ${onvifHost} port ${onvifPort}: ${words}`)
  }

  #warn(error: unknown): void {
    const { camera, logger } = this.#options
    logger.warn({ err: error }, `${camera.name}: does not take the end of a move; its own time limit ends it`)
  }
}

const axes = ['pan', 'tilt', 'zoom'] as const

/** Why a camera with ONVIF cannot be turned. */
export const noHead = 'its ONVIF service has no PTZ for its pictures'

/** What a move must say: no more than moves, or moved, and than the camera has. */
function partsOf(
  speeds: PtzSpeeds,
  before: PtzSpeeds | undefined,
  { canPan, canTilt, canZoom }: HeadAbilities,
): 'pan-tilt' | 'zoom' | 'both' {
  const isTurned = [speeds, before].some((one) => one !== undefined && (one.pan !== 0 || one.tilt !== 0))
  const isZoomed = [speeds, before].some((one) => one !== undefined && one.zoom !== 0)
  if (!canZoom || !isZoomed) return 'pan-tilt'
  return (canPan || canTilt) && isTurned ? 'both' : 'zoom'
}
