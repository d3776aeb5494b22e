// What is pressed becomes moves and stops, in order.
import type { PtzSpeeds } from '../../../shared/ptz.ts'
import { ptzRenewMs } from '../../../shared/ptz-limits.ts'

/** How a camera is told. */
export interface PtzWheel {
  move(speeds: PtzSpeeds): Promise<void>
  stop(): Promise<void>
}

/** One press of a key, a button or a finger: -1, 0 or 1 on each axis. */
export type PtzWay = Readonly<PtzSpeeds>

/**
 * Holds what is pressed, and tells the camera of it: one request at a time, so that a stop never overtakes its move. What
 * stays pressed is said again before the server ends the move.
 */
export class PtzDrive {
  readonly #wheel: PtzWheel
  readonly #onFailure: (caught: unknown) => void
  readonly #pressed = new Map<string, PtzWay>()
  #speed = 0.5
  #wanted: PtzSpeeds | undefined
  #isMoving = false
  #isBusy = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `onFailure` is told of a request that failed; what was pressed is let go then. */
  constructor(wheel: PtzWheel, onFailure: (caught: unknown) => void) {
    this.#wheel = wheel
    this.#onFailure = onFailure
  }

  /** A share of the fastest, above 0 and up to 1. */
  set speed(speed: number) {
    this.#speed = speed
    this.#apply()
  }

  /** `source` tells presses apart: two arrow keys make a diagonal. */
  press(source: string, way: PtzWay): void {
    this.#pressed.set(source, way)
    this.#apply()
  }

  release(source: string): void {
    if (this.#pressed.delete(source)) this.#apply()
  }

  releaseAll(): void {
    this.#pressed.clear()
    this.#apply()
  }

  #apply(): void {
    const sum = (axis: keyof PtzWay): number => {
      const total = [...this.#pressed.values()].reduce((all, way) => all + way[axis], 0)
      return Math.max(-1, Math.min(1, total)) * this.#speed
    }
    const speeds = { pan: sum('pan'), tilt: sum('tilt'), zoom: sum('zoom') }
    this.#wanted = Object.values(speeds).some((one) => one !== 0) ? speeds : undefined
    void this.#tell()
  }

  async #tell(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    clearTimeout(this.#timer)
    try {
      for (;;) {
        const wanted = this.#wanted
        if (wanted !== undefined) {
          this.#isMoving = true
          await this.#wheel.move(wanted)
        } else if (this.#isMoving) {
          this.#isMoving = false
          await this.#wheel.stop()
        }
        if (this.#wanted === wanted) break
      }
    } catch (caught) {
      // The server ends by itself what it could not be told to end.
      this.#pressed.clear()
      this.#wanted = undefined
      this.#isMoving = false
      this.#onFailure(caught)
    }
    this.#isBusy = false
    if (this.#wanted !== undefined) this.#timer = setTimeout(() => void this.#tell(), ptzRenewMs)
  }
}
