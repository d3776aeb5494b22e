// What the timeline knows of footage: runs and gaps around what is shown, fetched again when more was recorded.
import type { Gap } from '../../../shared/recording.ts'
import { push } from '../../api/push.ts'
import { readGaps, readTimeline } from '../../api/recording.ts'
import type { Followable } from '../../base/store.ts'
import { mergedSpans, spanOf, type View } from './timeline-view.ts'

const refreshMs = 5000
const debounceMs = 150
const longestQueryMs = 399 * 86_400_000

export interface CameraFootage {
  /** Sorted, without overlap, in UTC milliseconds. */
  spans: [number, number][]
  gaps: Gap[]
  /** Streams that have footage here. */
  streams: number[]
}

const nothing: CameraFootage = { spans: [], gaps: [], streams: [] }

export class Footage implements Followable {
  failure = ''
  #cameraIds: string[] = []
  #view: View = { fromMs: 0, toMs: 1 }
  #loaded: (View & { key: string }) | undefined
  #byCamera = new Map<string, CameraFootage>()
  #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #abort: AbortController | undefined
  #staleTimer: ReturnType<typeof setTimeout> | undefined
  #undo: () => void

  constructor() {
    this.#undo = push.on('recording-changed', ({ cameraIds }) => {
      if (cameraIds.some((id) => this.#cameraIds.includes(id))) this.#refreshSoon()
    })
  }

  of(cameraId: string): CameraFootage {
    return this.#byCamera.get(cameraId) ?? nothing
  }

  /** What is looked at: fetched, with as much again on both sides, unless it is there. */
  show(cameraIds: string[], view: View): void {
    this.#cameraIds = cameraIds
    this.#view = view
    const key = cameraIds.join()
    const isHere =
      this.#loaded?.key === key &&
      this.#loaded.fromMs <= view.fromMs &&
      this.#loaded.toMs >= Math.min(view.toMs, push.nowMs())
    if (isHere) {
      // The end of footage moves on while the present is in sight.
      if (view.toMs > push.nowMs() - refreshMs) this.#refreshSoon()
      return
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#load(), debounceMs)
  }

  /** The start of the first footage at or after `ms` of any of the cameras; the server is asked. */
  async nextAfter(cameraIds: string[], ms: number): Promise<number | undefined> {
    const toMs = Math.min(push.nowMs(), ms + longestQueryMs)
    if (toMs <= ms || cameraIds.length === 0) return undefined
    const { tracks, fromMs } = await readTimeline(cameraIds, ms, toMs)
    const starts = tracks.flatMap((track) => track.spans.filter((_, i) => i % 2 === 0).map((start) => start + fromMs))
    const later = starts.map((start) => Math.max(start, ms))
    return later.length === 0 ? undefined : Math.min(...later)
  }

  /** The newest run at or before `ms`, of any of the cameras; undefined where there is none in the 400 days before. */
  async lastBefore(cameraIds: string[], ms: number): Promise<[number, number] | undefined> {
    const { tracks, fromMs } = await readTimeline(cameraIds, Math.max(0, ms - longestQueryMs), ms)
    const runs = tracks.flatMap(({ spans }): [number, number][] =>
      spans.length < 2 ? [] : [[spans.at(-2)! + fromMs, spans.at(-1)! + fromMs]],
    )
    return runs.sort((a, b) => a[1] - b[1]).at(-1)
  }

  close(): void {
    this.#undo()
    this.#abort?.abort()
    clearTimeout(this.#timer)
    clearTimeout(this.#staleTimer)
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #refreshSoon(): void {
    if (this.#staleTimer !== undefined) return
    this.#staleTimer = setTimeout(() => {
      this.#staleTimer = undefined
      void this.#load()
    }, refreshMs)
  }

  async #load(): Promise<void> {
    this.#abort?.abort()
    const abort = new AbortController()
    this.#abort = abort
    const cameraIds = this.#cameraIds
    const span = spanOf(this.#view)
    const fromMs = Math.max(0, Math.floor(this.#view.fromMs - span))
    const toMs = Math.max(fromMs + 1, Math.min(Math.ceil(this.#view.toMs + span), Math.ceil(push.nowMs())))
    if (cameraIds.length === 0) return
    try {
      const [timeline, ...gaps] = await Promise.all([
        readTimeline(cameraIds, fromMs, toMs, abort.signal),
        ...cameraIds.map((id) => readGaps(id, fromMs, toMs, abort.signal)),
      ])
      this.#byCamera = new Map(
        cameraIds.map((id, i) => {
          const tracks = timeline.tracks.filter((one) => one.cameraId === id)
          const spans = tracks.flatMap(({ spans: flat }) =>
            flat.flatMap((start, at): [number, number][] =>
              at % 2 === 0 ? [[start + timeline.fromMs, flat[at + 1]! + timeline.fromMs]] : [],
            ),
          )
          const streams = [...new Set(tracks.map((one) => one.stream))].sort()
          return [id, { spans: mergedSpans(spans), gaps: gaps[i] ?? [], streams }]
        }),
      )
      this.#loaded = { fromMs, toMs: Math.max(toMs, Math.min(this.#view.toMs, push.nowMs())), key: cameraIds.join() }
      this.failure = ''
    } catch (caught) {
      if (abort.signal.aborted) return
      this.failure = caught instanceof Error ? caught.message : String(caught)
      this.#refreshSoon()
    }
    for (const listener of [...this.#listeners]) listener()
  }
}
