// Gathers a stream's seconds into a point a minute.
import type { StreamHealth } from '../../shared/stream.ts'
import type { StreamPoint } from './health-store.ts'

interface Sums {
  seconds: number
  liveSeconds: number
  fps: number
  bitrateKbps: number
  lostPackets: number
  droppedFrames: number
}

/** Counters of a stream as they were last; they begin anew with each run. */
interface Counters {
  lostPackets: number
  droppedFrames: number
}

export class HealthMinutes {
  readonly #sums = new Map<string, Sums>()
  readonly #last = new Map<string, Counters>()
  #minuteMs = 0

  /** Takes the state of all streams, once a second. Gives the points of the minute that is over, if one is. */
  add(streams: StreamHealth[], nowMs: number): StreamPoint[] {
    const minuteMs = Math.floor(nowMs / 60_000) * 60_000
    const points = minuteMs === this.#minuteMs ? [] : this.#turn(minuteMs)
    for (const one of streams) {
      if (one.state === 'off') continue
      const key = `${one.cameraId}/${one.stream}`
      const last = this.#last.get(key)
      this.#last.set(key, { lostPackets: one.lostPackets, droppedFrames: one.droppedFrames })
      const sums = this.#sums.get(key) ?? emptySums()
      this.#sums.set(key, sums)
      sums.seconds++
      if (one.state === 'live') sums.liveSeconds++
      sums.fps += one.fps ?? 0
      sums.bitrateKbps += one.bitrateKbps ?? 0
      sums.lostPackets += grown(one.lostPackets, last?.lostPackets)
      sums.droppedFrames += grown(one.droppedFrames, last?.droppedFrames)
    }
    return points
  }

  #turn(minuteMs: number): StreamPoint[] {
    const atMs = this.#minuteMs
    this.#minuteMs = minuteMs
    const points: StreamPoint[] = []
    for (const [key, sums] of this.#sums) {
      const slash = key.lastIndexOf('/')
      points.push({
        cameraId: key.slice(0, slash),
        stream: Number(key.slice(slash + 1)),
        atMs,
        fps: round(sums.fps / sums.seconds),
        bitrateKbps: round(sums.bitrateKbps / sums.seconds),
        lostPackets: sums.lostPackets,
        droppedFrames: sums.droppedFrames,
        liveSec: Math.min(60, sums.liveSeconds),
      })
    }
    this.#sums.clear()
    return points
  }
}

function emptySums(): Sums {
  return { seconds: 0, liveSeconds: 0, fps: 0, bitrateKbps: 0, lostPackets: 0, droppedFrames: 0 }
}

/** How much a counter grew since it was last seen; all of it where it began anew, none where it was never seen. */
function grown(now: number, last: number | undefined): number {
  if (last === undefined) return 0
  return now >= last ? now - last : now
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
