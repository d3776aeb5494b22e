// Where footage of one kind goes: a media element, its source, and the init segment that names its tracks.
import { AppendQueue } from './append-queue.ts'
import { type Cut, joined } from './box-splitter.ts'
import type { Frame } from './frame-list.ts'
import { closeMedia, openMediaSource } from './media-source.ts'
import { type Mp4Track, onlyTracksOf, parseFragment, parseInit } from './mp4-boxes.ts'

/** Runs of fragments in one append each; init segments alone. */
export function grouped(cuts: Cut[]): Cut[] {
  const groups: Cut[] = []
  let open: Uint8Array[] = []
  const flush = (): void => {
    if (open.length > 0) groups.push({ kind: 'fragment', bytes: joined(open) })
    open = []
  }
  for (const cut of cuts) {
    if (cut.kind === 'fragment') open.push(cut.bytes)
    else {
      flush()
      groups.push(cut)
    }
  }
  flush()
  return groups
}

/** The sink of a media element, opened at first use and anew for another epoch or after the browser gave it up. */
export class SinkSlot {
  readonly #media: HTMLMediaElement
  readonly #kind: 'video' | 'audio'
  #sink: Sink | undefined
  #opening: Promise<void> = Promise.resolve()

  constructor(media: HTMLMediaElement, kind: 'video' | 'audio') {
    this.#media = media
    this.#kind = kind
  }

  /** A sink for `mimeType` whose media time 0 is `epochMs`. */
  async get(mimeType: string, epochMs: number): Promise<Sink> {
    const opening = this.#opening.then(async () => {
      if (this.#sink?.epochMs === epochMs && !this.#sink.isBroken) return
      this.discard()
      this.#sink = await Sink.open(this.#media, this.#kind, mimeType, epochMs)
    })
    this.#opening = opening.catch(() => undefined)
    await opening
    const sink = this.#sink!
    await sink.setType(mimeType)
    return sink
  }

  get current(): Sink | undefined {
    return this.#sink
  }

  discard(): void {
    this.#sink?.close()
    this.#sink = undefined
  }
}

/** A media element, its source and what was said of the bytes it is fed. */
export class Sink {
  readonly #media: HTMLMediaElement
  readonly #kind: 'video' | 'audio'
  readonly #queue: AppendQueue
  /** The instant of media time 0. */
  readonly epochMs: number
  #mimeType: string
  #tracks: Mp4Track[] = []

  static async open(
    media: HTMLMediaElement,
    kind: 'video' | 'audio',
    mimeType: string,
    epochMs: number,
  ): Promise<Sink> {
    const source = await openMediaSource(media)
    source.duration = Number.POSITIVE_INFINITY
    const queue = new AppendQueue(source, mimeType, () => {
      const { currentTime } = media
      return currentTime > 5 ? [0, currentTime - 4] : undefined
    })
    return new Sink(media, kind, queue, mimeType, epochMs)
  }

  constructor(media: HTMLMediaElement, kind: 'video' | 'audio', queue: AppendQueue, mimeType: string, epochMs: number) {
    this.#media = media
    this.#kind = kind
    this.#queue = queue
    this.#mimeType = mimeType
    this.epochMs = epochMs
  }

  get isBroken(): boolean {
    return this.#media.error !== null
  }

  async setType(mimeType: string): Promise<void> {
    if (mimeType === this.#mimeType) return
    this.#mimeType = mimeType
    await this.#queue.changeType(mimeType)
  }

  /** Appends, and gives the frames that were in it. */
  async take(cut: Cut): Promise<Frame[]> {
    if (cut.kind === 'init') {
      this.#tracks = parseInit(cut.bytes)
      const hasOther = this.#tracks.some((one) => one.kind !== 'other' && one.kind !== this.#kind)
      await this.#queue.append(hasOther ? onlyTracksOf(this.#kind, cut.bytes) : cut.bytes)
      return []
    }
    await this.#queue.append(cut.bytes)
    const ids = new Set(this.#tracks.filter((one) => one.kind === this.#kind).map((one) => one.id))
    return parseFragment(cut.bytes, this.#tracks)
      .filter((sample) => ids.has(sample.trackId))
      .map((sample) => ({
        startMs: sample.startSec * 1000 + this.epochMs,
        durationMs: sample.durationSec * 1000,
      }))
      .sort((a, b) => a.startMs - b.startMs)
  }

  async empty(): Promise<void> {
    await this.#queue.reset()
    await this.#queue.remove(0, Number.POSITIVE_INFINITY)
  }

  async dropBefore(sec: number): Promise<void> {
    if (sec > 0) await this.#queue.remove(0, sec)
  }

  close(): void {
    this.#queue.close()
    closeMedia(this.#media)
  }
}
