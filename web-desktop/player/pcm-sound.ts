// Plays samples through WebAudio, one small buffer after another: works on plain HTTP, where AudioWorklet does not exist.

let shared: AudioContext | undefined

/** The page's one AudioContext; made at the first wish for sound, which is a click, so that it may play. */
function audioContext(): AudioContext {
  shared ??= new AudioContext()
  if (shared.state === 'suspended') void shared.resume()
  return shared
}

const leadSec = 0.12
const mostAheadSec = 0.6

/** Live sound: each packet follows the one before; after a pause, or too much at once, it begins anew close to now. */
export class PcmSound {
  readonly #context = audioContext()
  readonly #gain: GainNode
  #nextSec = 0

  constructor() {
    this.#gain = this.#context.createGain()
    this.#gain.connect(this.#context.destination)
  }

  /** `samples` interleaved, -1…1. */
  play(samples: Float32Array<ArrayBuffer>, sampleRateHz: number, channels: number): void {
    if (samples.length === 0) return
    const now = this.#context.currentTime
    if (this.#nextSec < now + 0.01) this.#nextSec = now + leadSec
    if (this.#nextSec > now + mostAheadSec) return
    this.#nextSec += this.#schedule(samples, sampleRateHz, channels, this.#nextSec)
  }

  #schedule(samples: Float32Array<ArrayBuffer>, sampleRateHz: number, channels: number, atSec: number): number {
    const frames = Math.floor(samples.length / channels)
    const buffer = this.#context.createBuffer(channels, frames, sampleRateHz)
    for (let channel = 0; channel < channels; channel++) {
      const data = buffer.getChannelData(channel)
      for (let i = 0; i < frames; i++) data[i] = samples[i * channels + channel]!
    }
    const node = this.#context.createBufferSource()
    node.buffer = buffer
    node.connect(this.#gain)
    node.start(atSec)
    return buffer.duration
  }

  close(): void {
    this.#gain.disconnect()
  }
}

interface Scheduled {
  node: AudioBufferSourceNode
  startMs: number
  endMs: number
}

/** Recorded sound: stretches of samples laid against the clock of a playback. */
export class TimedPcm {
  readonly #context = audioContext()
  readonly #gain: GainNode
  #pieces: { startMs: number; buffer: AudioBuffer }[] = []
  #scheduled: Scheduled[] = []
  /** AudioContext seconds less media seconds, while it plays. */
  #anchorSec: number | undefined

  constructor() {
    this.#gain = this.#context.createGain()
    this.#gain.connect(this.#context.destination)
  }

  /** 16-bit little-endian mono samples that begin at `startMs`. */
  add(startMs: number, samples: Int16Array, sampleRateHz: number): void {
    if (samples.length === 0) return
    const buffer = this.#context.createBuffer(1, samples.length, sampleRateHz)
    const data = buffer.getChannelData(0)
    for (let i = 0; i < samples.length; i++) data[i] = samples[i]! / 32_768
    this.#pieces.push({ startMs, buffer })
  }

  /** Called often while the clock runs: sounds what belongs to `positionMs` and the two seconds after it. */
  follow(positionMs: number): void {
    const now = this.#context.currentTime
    const anchor = now - positionMs / 1000
    if (this.#anchorSec === undefined || Math.abs(anchor - this.#anchorSec) > 0.12) {
      this.hush()
      this.#anchorSec = anchor
    }
    for (const { startMs, buffer } of this.#pieces) {
      const endMs = startMs + buffer.duration * 1000
      if (endMs <= positionMs || startMs > positionMs + 2000) continue
      if (this.#scheduled.some((one) => one.startMs === startMs)) continue
      const node = this.#context.createBufferSource()
      node.buffer = buffer
      node.connect(this.#gain)
      const skipSec = Math.max(0, (positionMs - startMs) / 1000)
      node.start(Math.max(now, this.#anchorSec + startMs / 1000), skipSec)
      this.#scheduled.push({ node, startMs, endMs })
    }
    this.#scheduled = this.#scheduled.filter((one) => one.endMs > positionMs)
    this.#pieces = this.#pieces.filter((one) => one.startMs + one.buffer.duration * 1000 > positionMs - 5000)
  }

  /** Silence, until `follow` is called again. */
  hush(): void {
    for (const { node } of this.#scheduled) node.stop()
    this.#scheduled = []
    this.#anchorSec = undefined
  }

  clear(): void {
    this.hush()
    this.#pieces = []
  }

  close(): void {
    this.clear()
    this.#gain.disconnect()
  }
}
