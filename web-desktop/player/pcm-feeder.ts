// Fetches recorded telephone-codec sound as samples, ahead of the clock, and sounds it with the clock.
import { TimedPcm } from './pcm-sound.ts'

const pieceMs = 5000
const aheadMs = 8000
const retryMs = 3000

export interface Wav {
  sampleRateHz: number
  samples: Int16Array
}

/** A WAV of 16-bit mono samples (RIFF, format 1). Throws where it is something else. */
export function parseWav(bytes: ArrayBuffer): Wav {
  const view = new DataView(bytes)
  const fourAt = (at: number): string => String.fromCharCode(...new Uint8Array(bytes, at, 4))
  if (bytes.byteLength < 12 || fourAt(0) !== 'RIFF' || fourAt(8) !== 'WAVE') throw new Error('read sound: no WAV')
  let sampleRateHz = 0
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const sizeBytes = view.getUint32(at + 4, true)
    const name = fourAt(at)
    if (name === 'fmt ') {
      const isPlain = view.getUint16(at + 8, true) === 1 && view.getUint16(at + 10, true) === 1
      if (!isPlain || view.getUint16(at + 22, true) !== 16) throw new Error('read sound: not 16-bit mono')
      sampleRateHz = view.getUint32(at + 12, true)
    }
    if (name === 'data') {
      // A length that is not known yet is written as the largest there is.
      const dataBytes = Math.min(sizeBytes, bytes.byteLength - at - 8)
      return { sampleRateHz, samples: new Int16Array(bytes.slice(at + 8, at + 8 + (dataBytes & ~1))) }
    }
    at += 8 + sizeBytes + (sizeBytes & 1)
  }
  throw new Error('read sound: a WAV without data')
}

export class PcmFeeder {
  readonly #url: (fromMs: number, toMs: number) => string
  readonly #sound = new TimedPcm()
  #nextMs: number | undefined
  #abort: AbortController | undefined
  #blockedUntil = 0

  constructor(url: (fromMs: number, toMs: number) => string) {
    this.#url = url
  }

  /** Called often: sounds what belongs to `ms` while `isRunning`, is silent else. */
  follow(ms: number, isRunning: boolean): void {
    if (!isRunning) {
      this.#sound.hush()
      return
    }
    if (this.#nextMs === undefined || ms > this.#nextMs + pieceMs) this.#nextMs = ms
    this.#sound.follow(ms)
    if (this.#abort === undefined && this.#nextMs < ms + aheadMs && performance.now() > this.#blockedUntil) {
      void this.#fetch(this.#nextMs)
    }
  }

  /** Forgets what was fetched: the clock jumped. */
  reset(): void {
    this.#abort?.abort()
    this.#abort = undefined
    this.#nextMs = undefined
    this.#sound.clear()
  }

  close(): void {
    this.#abort?.abort()
    this.#sound.close()
  }

  async #fetch(fromMs: number): Promise<void> {
    const abort = new AbortController()
    this.#abort = abort
    let nextMs = fromMs + pieceMs
    try {
      const response = await fetch(this.#url(fromMs, fromMs + pieceMs), { signal: abort.signal, cache: 'no-store' })
      if (response.status === 200) {
        const startMs = Number(response.headers.get('x-start-us')) / 1000
        const { samples, sampleRateHz } = parseWav(await response.arrayBuffer())
        if (abort.signal.aborted) return
        this.#sound.add(startMs, samples, sampleRateHz)
        const endMs = startMs + (samples.length * 1000) / sampleRateHz
        if (endMs > fromMs + 1) nextMs = endMs
      }
      this.#nextMs = nextMs
    } catch {
      // No sound is no reason to stop the picture; it is tried again.
      this.#blockedUntil = performance.now() + retryMs
    } finally {
      if (this.#abort === abort) this.#abort = undefined
    }
  }
}
