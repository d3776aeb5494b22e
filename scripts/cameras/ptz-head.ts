// The moving head of a simulated camera: where it looks, what moves it, and its presets.

/** Where a head looks, in ONVIF's generic spaces: pan and tilt from -1 to 1, zoom from 0 to 1. */
export interface PtzPosition {
  pan: number
  tilt: number
  zoom: number
}

/** What the control API shows. */
export interface PtzState extends PtzPosition {
  isMoving: boolean
  presets: { token: string; name: string }[]
}

/** What a head moves by: a velocity in units a second until an instant, or towards a position. */
type Motion = { velocity: PtzPosition; untilMs: number } | { target: PtzPosition }

/** Units a second at speed 1: from one end to the other in four seconds. */
const UNITS_PER_SEC = 0.5
/** What a move without a time limit lasts, in milliseconds (DefaultPTZTimeout). */
const DEFAULT_TIMEOUT_MS = 60_000
/** ONVIF leaves it to the camera; few on purpose, so that a full list can be met. */
export const MAX_PRESETS = 8

const HOME: PtzPosition = { pan: 0, tilt: 0, zoom: 0 }
const AXES = ['pan', 'tilt', 'zoom'] as const
const LEAST: PtzPosition = { pan: -1, tilt: -1, zoom: 0 }

/** A head whose position is worked out when it is asked for. Times are monotonic milliseconds. */
export class PtzHead {
  readonly #presets = new Map<string, { name: string; position: PtzPosition }>()
  readonly #now: () => number
  #position = HOME
  #sinceMs: number
  #motion: Motion | undefined
  #nextToken = 1

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#sinceMs = now()
  }

  get state(): PtzState {
    this.#advance()
    return { ...this.#position, isMoving: this.#motion !== undefined, presets: this.presets }
  }

  get presets(): { token: string; name: string }[] {
    return [...this.#presets].map(([token, { name }]) => ({ token, name }))
  }

  /** Moves at these speeds, each -1 to 1; an axis that is not given goes on as it did. */
  move(speeds: Partial<PtzPosition>, timeoutMs = DEFAULT_TIMEOUT_MS): void {
    this.#advance()
    const before = this.#motion !== undefined && 'velocity' in this.#motion ? this.#motion.velocity : HOME
    const velocity = { ...before }
    for (const axis of AXES) velocity[axis] = (speeds[axis] ?? before[axis] / UNITS_PER_SEC) * UNITS_PER_SEC
    this.#motion = AXES.some((axis) => velocity[axis] !== 0)
      ? { velocity, untilMs: this.#sinceMs + timeoutMs }
      : undefined
  }

  stop(): void {
    this.#advance()
    this.#motion = undefined
  }

  goHome(): void {
    this.#goTo(HOME)
  }

  /** False where there is no such preset. */
  goToPreset(token: string): boolean {
    const preset = this.#presets.get(token)
    if (preset !== undefined) this.#goTo(preset.position)
    return preset !== undefined
  }

  /** Saves where it looks now, over a preset where its token is given. Gives the token, or what is wrong. */
  savePreset(name: string, token?: string): { token: string } | { wrong: 'full' | 'name' | 'token' } {
    this.#advance()
    if (token !== undefined && !this.#presets.has(token)) return { wrong: 'token' }
    if ([...this.#presets].some(([other, one]) => other !== token && one.name === name)) return { wrong: 'name' }
    if (token === undefined && this.#presets.size >= MAX_PRESETS) return { wrong: 'full' }
    const used = token ?? `P${this.#nextToken++}`
    this.#presets.set(used, { name, position: this.#position })
    return { token: used }
  }

  /** False where there is no such preset. */
  removePreset(token: string): boolean {
    return this.#presets.delete(token)
  }

  #goTo(target: PtzPosition): void {
    this.#advance()
    this.#motion = { target }
  }

  /** Brings the position up to now. */
  #advance(): void {
    const nowMs = this.#now()
    const motion = this.#motion
    if (motion !== undefined) {
      const position = { ...this.#position }
      const untilMs = 'velocity' in motion ? Math.min(nowMs, motion.untilMs) : nowMs
      const seconds = Math.max(0, untilMs - this.#sinceMs) / 1000
      for (const axis of AXES) {
        const way =
          'velocity' in motion
            ? motion.velocity[axis] * seconds
            : clamp(motion.target[axis] - position[axis], -UNITS_PER_SEC * seconds, UNITS_PER_SEC * seconds)
        position[axis] = clamp(position[axis] + way, LEAST[axis], 1)
      }
      this.#position = position
      const isDone =
        'velocity' in motion
          ? nowMs >= motion.untilMs
          : AXES.every((axis) => Math.abs(motion.target[axis] - position[axis]) < 1e-9)
      if (isDone) this.#motion = undefined
    }
    this.#sinceMs = nowMs
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
