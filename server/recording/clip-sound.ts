// G.711 as AAC for players that know no G.711: converted once, kept in a bounded folder of temporary files.
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import ffmpeg from 'fluent-ffmpeg'
import { Failure } from '../../shared/failure.ts'
import { audioSpecificConfig } from '../media/aac.ts'
import { g711Silence } from '../media/g711.ts'
import { trackIds } from '../media/segment/segment-layout.ts'
import type { AacTrack, G711Track } from '../media/track.ts'
import type { FootageReader, Stretch } from './segment-reader.ts'

/** AAC of a span: access units one after another in a file. */
export interface ConvertedSound {
  config: AacTrack
  file: { folder: string; path: string }
  /** A value an access unit: its bytes, and where they begin in the file. */
  sizes: Uint32Array
  offsets: Float64Array
  /** Stretches without a long gap: access units `[first, end)`, 1024 ticks each, the first from `startUs` (UTC) on. */
  islands: { first: number; end: number; startUs: number }[]
}

/** Gaps up to this are filled with silence. */
const longestSilenceUs = 10_000_000
/** Packets that begin nearer to the end of the one before than this follow it: timestamps are rounded. */
const toleranceUs = 20_000
/** What all temporary files may take, in bytes; the one used longest ago goes first. */
const maxCacheBytes = 512 * 1024 * 1024
const aacSamples = 1024
const bitRateKbps = 48

/** Converts sound, and keeps what it made until there is too much of it. */
export class SoundCache {
  readonly #reader: FootageReader
  readonly #folder: string
  readonly #ffmpegPath: string | undefined
  /** By identity, least recently used first. */
  readonly #kept = new Map<string, Promise<ConvertedSound>>()
  readonly #sizes = new Map<string, number>()

  /** `folder` is the cache's own: it is made when needed and removed by `close`. */
  constructor(reader: FootageReader, folder: string, ffmpegPath?: string) {
    this.#reader = reader
    this.#folder = folder
    this.#ffmpegPath = ffmpegPath
  }

  /** The G.711 sound of these stretches from `fromUs` to `toUs` as AAC. Fails `internal` where ffmpeg does. */
  async convert(stretches: readonly Stretch[], fromUs: number, toUs: number): Promise<ConvertedSound> {
    const identity = createHash('sha256').update(JSON.stringify([fromUs, toUs]))
    for (const { segment, first, end } of stretches) identity.update(`${segment.row.segmentId} ${first} ${end}\n`)
    const key = identity.digest('hex')
    let sound = this.#kept.get(key)
    this.#kept.delete(key)
    sound ??= this.#make(key, stretches, fromUs, toUs)
    this.#kept.set(key, sound)
    try {
      return await sound
    } catch (error) {
      this.#kept.delete(key)
      throw error
    }
  }

  /** Removes all that was kept. */
  async close(): Promise<void> {
    this.#kept.clear()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #make(key: string, stretches: readonly Stretch[], fromUs: number, toUs: number): Promise<ConvertedSound> {
    const source = stretches[0]!.segment.content.tracks.find((track) => track.id === trackIds.audio)
    if (source?.config?.codec !== 'pcmu' && source?.config?.codec !== 'pcma') {
      throw new Failure('conflict', 'the sound of this span is not G.711')
    }
    const { config } = source
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const path = `${randomUUID()}.aac`
    const writer = new AccessUnitWriter(join(this.#folder, path))
    const islands: ConvertedSound['islands'] = []
    const packets = new PacketQueue(g711Packets(this.#reader, stretches, config, fromUs, toUs))
    try {
      for (let next = await packets.peek(); next !== undefined; next = await packets.peek()) {
        const first = writer.count
        await this.#encode(config, islandBytes(packets, config), writer)
        // The encoder's first access unit only prepares the decoder: it stands before the sound.
        const primingUs = (aacSamples * 1e6) / config.sampleRateHz
        islands.push({ first, end: writer.count, startUs: next.utcUs - primingUs })
      }
      await writer.close()
    } catch (error) {
      await writer.close().catch(() => undefined)
      await rm(join(this.#folder, path), { force: true })
      throw error
    }
    this.#sizes.set(key, writer.sizeBytes)
    void this.#makeRoom(key)
    const { sampleRateHz, channels } = config
    return {
      config: {
        ...{ kind: 'audio', codec: 'aac', timescale: sampleRateHz, sampleRateHz, channels },
        config: audioSpecificConfig(sampleRateHz, channels),
      },
      file: { folder: this.#folder, path },
      sizes: writer.sizes(),
      offsets: writer.offsets(),
      islands,
    }
  }

  async #encode(config: G711Track, bytes: AsyncIterable<Uint8Array>, writer: AccessUnitWriter): Promise<void> {
    const command = ffmpeg(Readable.from(bytes, { objectMode: false }))
      .inputFormat(config.codec === 'pcmu' ? 'mulaw' : 'alaw')
      .inputOptions(['-ar', String(config.sampleRateHz), '-ac', String(config.channels)])
      .audioCodec('aac')
      .audioBitrate(bitRateKbps)
      .format('adts')
    if (this.#ffmpegPath !== undefined) command.setFfmpegPath(this.#ffmpegPath)
    // fluent-ffmpeg tells of failures by an event, and ends its stream in any case.
    let failure: Error | undefined
    const ended = new Promise<void>((resolve) => {
      command.on('end', () => resolve())
      command.on('error', (error: Error) => {
        failure = error
        resolve()
      })
    })
    const parser = new AdtsSplitter()
    for await (const part of command.pipe() as AsyncIterable<Buffer>) {
      for (const unit of parser.push(part)) await writer.write(unit)
    }
    await ended
    if (failure !== undefined)
      throw new Failure('internal', `convert sound to AAC: ${failure.message}`, { cause: failure })
  }

  async #makeRoom(newest: string): Promise<void> {
    let total = [...this.#sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
    for (const [key, sound] of [...this.#kept]) {
      if (total <= maxCacheBytes || key === newest) break
      total -= this.#sizes.get(key) ?? 0
      this.#sizes.delete(key)
      this.#kept.delete(key)
      // Whoever is reading it has it open, and goes on.
      const { file } = await sound
      await rm(join(file.folder, file.path), { force: true })
    }
  }
}

/** A packet of sound and when it was. */
export interface G711Packet {
  utcUs: number
  data: Uint8Array
}

/** The packets of stretches that begin in `[fromUs, toUs)` or reach into it, in order. Reads one fragment at a time. */
export async function* g711Packets(
  reader: FootageReader,
  stretches: Iterable<Stretch>,
  config: G711Track,
  fromUs: number,
  toUs: number,
): AsyncGenerator<G711Packet> {
  const usOf = (sizeBytes: number) => (sizeBytes / config.channels / config.sampleRateHz) * 1e6
  for (const { segment, first, end } of stretches) {
    const track = segment.table.track(trackIds.audio)
    const own = segment.content.tracks.find(({ id }) => id === trackIds.audio)?.config
    if (track === undefined || own?.codec !== config.codec || own.sampleRateHz !== config.sampleRateHz) continue
    const file = await reader.openFile(segment)
    try {
      for (let fragment = first; fragment < end; fragment++) {
        let utcUs = segment.trackUtcUs(track, fragment)
        if (utcUs === undefined || utcUs >= toUs) continue
        const { offset, sizeBytes } = segment.trackData(track, fragment)
        const bytes = await file.read(sizeBytes, offset)
        const firstSample = segment.firstSample(track, fragment)
        let at = 0
        for (let i = firstSample; i < segment.firstSample(track, fragment + 1); i++) {
          const data = bytes.subarray(at, at + track.sizes.values[i]!)
          at += data.length
          if (utcUs < toUs && utcUs + usOf(data.length) > fromUs) yield { utcUs, data }
          utcUs += (track.durations.values[i]! * 1e6) / track.timescale
        }
      }
    } finally {
      await file.close()
    }
  }
}

class PacketQueue {
  readonly #packets: AsyncGenerator<G711Packet>
  #next: G711Packet | undefined
  #isDone = false

  constructor(packets: AsyncGenerator<G711Packet>) {
    this.#packets = packets
  }

  async peek(): Promise<G711Packet | undefined> {
    if (this.#next === undefined && !this.#isDone) {
      const { value, done } = await this.#packets.next()
      this.#isDone = done === true
      this.#next = done ? undefined : value
    }
    return this.#next
  }

  take(): void {
    this.#next = undefined
  }
}

/** The bytes of packets up to the next long gap, shorter ones filled with silence, overlaps left out. */
async function* islandBytes(packets: PacketQueue, config: G711Track): AsyncGenerator<Uint8Array> {
  const bytesPerUs = (config.sampleRateHz * config.channels) / 1e6
  let reachedUs: number | undefined
  for (let packet = await packets.peek(); packet !== undefined; packet = await packets.peek()) {
    const gapUs = reachedUs === undefined ? 0 : packet.utcUs - reachedUs
    if (gapUs > longestSilenceUs) return
    packets.take()
    reachedUs ??= packet.utcUs
    let { data } = packet
    if (gapUs > toleranceUs) {
      const silence = new Uint8Array(Math.round((gapUs * bytesPerUs) / config.channels) * config.channels)
      yield silence.fill(g711Silence[config.codec])
      reachedUs += silence.length / bytesPerUs
    } else if (gapUs < -toleranceUs) {
      data = data.subarray(Math.min(data.length, Math.round((-gapUs * bytesPerUs) / config.channels) * config.channels))
    }
    if (data.length > 0) yield data
    reachedUs += data.length / bytesPerUs
  }
}

/** Cuts an ADTS stream into access units (ISO/IEC 14496-3 §1.A.2.2). */
class AdtsSplitter {
  #pending: Buffer = Buffer.alloc(0)

  push(bytes: Buffer): Uint8Array[] {
    const units: Uint8Array[] = []
    let pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    while (pending.length >= 7) {
      const frameBytes = ((pending[3]! & 3) << 11) | (pending[4]! << 3) | (pending[5]! >> 5)
      const headBytes = (pending[1]! & 1) === 1 ? 7 : 9
      if (pending[0] !== 0xff || frameBytes < headBytes) throw new Failure('internal', 'convert sound: not ADTS')
      if (pending.length < frameBytes) break
      units.push(pending.subarray(headBytes, frameBytes))
      pending = pending.subarray(frameBytes)
    }
    this.#pending = Buffer.from(pending)
    return units
  }
}

/** Writes access units one after another and keeps their sizes. */
class AccessUnitWriter {
  count = 0
  sizeBytes = 0
  readonly #stream: ReturnType<typeof createWriteStream>
  #sizes = new Uint32Array(1024)

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'wx', mode: 0o600 })
    this.#stream.on('error', () => undefined)
  }

  async write(unit: Uint8Array): Promise<void> {
    if (this.#stream.errored) throw this.#stream.errored
    if (this.count === this.#sizes.length) {
      const larger = new Uint32Array(this.count * 2)
      larger.set(this.#sizes)
      this.#sizes = larger
    }
    this.#sizes[this.count++] = unit.length
    this.sizeBytes += unit.length
    if (!this.#stream.write(unit)) {
      await new Promise<void>((resolve) => {
        this.#stream.once('drain', resolve)
        this.#stream.once('close', resolve)
      })
    }
  }

  sizes(): Uint32Array {
    return this.#sizes.slice(0, this.count)
  }

  offsets(): Float64Array {
    const offsets = new Float64Array(this.count)
    for (let i = 1; i < this.count; i++) offsets[i] = offsets[i - 1]! + this.#sizes[i - 1]!
    return offsets
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.end((error?: Error | null) => {
        if (error) reject(new Failure('internal', `convert sound to AAC: ${error.message}`, { cause: error }))
        else resolve()
      })
    })
  }
}
