// Builds whole segments of random content, and tells where everything in them lies.
import type { Random } from '../../../../scripts/faults/random.ts'
import { initSegment } from '../../../../server/media/mp4/movie.ts'
import {
  fragmentHeadBytes,
  parseFragmentHead,
  type TrackRun,
  writeFragmentHead,
} from '../../../../server/media/segment/fragment-head.ts'
import { movieFragmentRandomAccess, segmentFooter } from '../../../../server/media/segment/segment-footer.ts'
import { type SegmentHead, segmentFileHead } from '../../../../server/media/segment/segment-head.ts'
import { crcSeed, trackIds, uuidBytes } from '../../../../server/media/segment/segment-layout.ts'
import { SegmentTable, TrackTable } from '../../../../server/media/segment/segment-table.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'

export const videoConfig: TrackConfig = {
  kind: 'video',
  codec: 'h264',
  timescale: 90_000,
  widthPx: 64,
  heightPx: 48,
  sps: Uint8Array.of(0x67, 0x42, 0xc0, 0x0a, 0xda, 0x10, 0xd0, 0x88),
  pps: [Uint8Array.of(0x68, 0xce, 0x3c, 0x80)],
}

export const audioConfig: TrackConfig = {
  kind: 'audio',
  codec: 'pcma',
  timescale: 8000,
  sampleRateHz: 8000,
  channels: 1,
}

export interface BuiltFragment {
  offset: number
  dataAt: number
  end: number
}

export interface BuiltSegment {
  head: SegmentHead
  movie: Uint8Array
  /** Head and fragments, without footer. */
  open: Uint8Array
  /** The same with footer and `mfra`. */
  closed: Uint8Array
  headBytes: number
  footerBytes: number
  seed: number
  fragments: BuiltFragment[]
  table: SegmentTable
}

export function randomHead(random: Random): SegmentHead {
  const startUs = 1_700_000_000_000_000 + random.int(0, 1e9)
  return {
    segmentId: random.uuid(),
    serverId: random.uuid(),
    spaceId: random.uuid(),
    channelId: random.uuid(),
    bootId: random.uuid(),
    channelName: random.pick(['Gate', 'Café, Hof 2', '', '摄像机 7', 'x'.repeat(200)]),
    stream: random.int(1, 4),
    kind: random.pick(['normal', 'event'] as const),
    runId: Buffer.from(random.bytes(8)).toString('hex'),
    sequence: random.int(0, 2 ** 40),
    runIndex: random.int(0, 1000),
    startUs,
    runStartUs: startUs - random.int(0, 1e9),
    clockTrust: random.int(0, 3),
    mediaTicks: random.int(0, 2 ** 44),
  }
}

export function emptyTable(hasVideo: boolean, hasAudio: boolean, hasOffsets: boolean): SegmentTable {
  const tracks: TrackTable[] = []
  if (hasVideo) tracks.push(new TrackTable(trackIds.video, 90_000, hasOffsets))
  if (hasAudio) tracks.push(new TrackTable(trackIds.audio, 8000, false))
  return new SegmentTable(tracks)
}

export interface BuildOptions {
  head?: SegmentHead
  fragments?: number
  /** Data bytes a fragment, at most. */
  maxDataBytes?: number
  hasAudio?: boolean
  hasOffsets?: boolean
}

/** A segment whose samples are random bytes. Each fragment but the first says that all before it was safe. */
export function buildSegment(random: Random, options: BuildOptions = {}): BuiltSegment {
  const head = options.head ?? randomHead(random)
  const hasAudio = options.hasAudio ?? random.chance(0.5)
  const hasOffsets = options.hasOffsets ?? random.chance(0.3)
  const tracks = [{ id: trackIds.video as number, config: videoConfig }]
  if (hasAudio) tracks.push({ id: trackIds.audio, config: audioConfig })
  const movie = initSegment({ tracks })
  const fileHead = segmentFileHead(movie, head)
  const seed = crcSeed(uuidBytes(head.segmentId))
  const table = emptyTable(true, hasAudio, hasOffsets)
  const parts = [fileHead]
  const fragments: BuiltFragment[] = []
  let at = fileHead.length
  let utcUs = head.startUs
  let videoTicks = 0
  let audioTicks = 0
  const count = options.fragments ?? random.int(1, 12)
  for (let number = 0; number < count; number++) {
    const runs: TrackRun[] = []
    const videoSamples = random.int(1, 8)
    let room = options.maxDataBytes ?? 6000
    const sizesOf = (samples: number) =>
      Uint32Array.from({ length: samples }, () => {
        const size = random.int(1, Math.max(2, room / 4))
        room -= size
        return size
      })
    runs.push({
      trackId: trackIds.video,
      tfdtTicks: videoTicks,
      count: videoSamples,
      sizes: sizesOf(videoSamples),
      durations: new Uint32Array(videoSamples).fill(3600),
      offsets: hasOffsets ? Int32Array.from({ length: videoSamples }, () => random.int(0, 4) * 3600) : undefined,
    })
    if (hasAudio && random.chance(0.8)) {
      const samples = random.int(1, 5)
      const durations = new Uint32Array(samples).fill(160)
      const sizes = sizesOf(samples)
      runs.push({
        trackId: trackIds.audio,
        tfdtTicks: audioTicks,
        count: samples,
        sizes,
        durations,
        offsets: undefined,
      })
      audioTicks += samples * 160
    }
    const isKey = number === 0 || random.chance(0.4)
    const dataBytes = runs.reduce((sum, run) => sum + run.sizes.reduce((a, b) => a + b, 0), 0)
    const headBytes = fragmentHeadBytes(runs, isKey)
    const bytes = new Uint8Array(headBytes + dataBytes)
    bytes.set(random.bytes(dataBytes), headBytes)
    const view = new DataView(bytes.buffer)
    writeFragmentHead(bytes, view, headBytes, bytes.length, {
      tracks: runs,
      flags: (isKey ? 1 : 0) | (random.chance(0.1) ? 2 : 0),
      utcUs,
      number,
      syncedThrough: number === 0 ? 0 : at,
      seed,
    })
    table.push(at, parseFragmentHead(bytes, 0, seed)!)
    fragments.push({ offset: at, dataAt: at + headBytes, end: at + bytes.length })
    parts.push(bytes)
    at += bytes.length
    videoTicks += videoSamples * 3600
    utcUs += videoSamples * 40_000
  }
  const open = Buffer.concat(parts)
  const footer = segmentFooter(head.segmentId, table, 0)
  const closed = Buffer.concat([open, footer, movieFragmentRandomAccess(table)])
  return {
    head,
    movie,
    open,
    closed,
    headBytes: fileHead.length,
    footerBytes: footer.length,
    seed,
    fragments,
    table,
  }
}

/** A segment that is the same every time: the worked example of FORMAT.md, section 9. */
export function exampleSegment(): BuiltSegment {
  const head: SegmentHead = {
    segmentId: '0f1e2d3c-4b5a-4697-8877-665544332211',
    serverId: '11111111-1111-4111-8111-111111111111',
    spaceId: '22222222-2222-4222-8222-222222222222',
    channelId: '33333333-3333-4333-8333-333333333333',
    bootId: '44444444-4444-4444-8444-444444444444',
    channelName: 'Gate',
    stream: 1,
    kind: 'normal',
    runId: '0123456789abcdef',
    sequence: 7,
    runIndex: 0,
    startUs: 1_795_348_800_000_000,
    runStartUs: 1_795_348_800_000_000,
    clockTrust: 2,
    mediaTicks: 0,
  }
  const movie = initSegment({ tracks: [{ id: trackIds.video, config: videoConfig }] })
  const fileHead = segmentFileHead(movie, head)
  const seed = crcSeed(uuidBytes(head.segmentId))
  const table = emptyTable(true, false, false)
  const parts = [fileHead]
  const fragments: BuiltFragment[] = []
  let at = fileHead.length
  const samples = [Uint8Array.of(0, 0, 0, 4, 0x65, 0x88, 0x84, 0x21), Uint8Array.of(0, 0, 0, 3, 0x41, 0x9a, 0x24)]
  for (const [number, data] of samples.entries()) {
    const run: TrackRun = {
      trackId: trackIds.video,
      tfdtTicks: number * 45_000,
      count: 1,
      sizes: Uint32Array.of(data.length),
      durations: Uint32Array.of(45_000),
      offsets: undefined,
    }
    const headBytes = fragmentHeadBytes([run], number === 0)
    const bytes = new Uint8Array(headBytes + data.length)
    bytes.set(data, headBytes)
    writeFragmentHead(bytes, new DataView(bytes.buffer), headBytes, bytes.length, {
      tracks: [run],
      flags: number === 0 ? 1 : 0,
      utcUs: head.startUs + number * 500_000,
      number,
      syncedThrough: number === 0 ? 0 : at,
      seed,
    })
    table.push(at, parseFragmentHead(bytes, 0, seed)!)
    fragments.push({ offset: at, dataAt: at + headBytes, end: at + bytes.length })
    parts.push(bytes)
    at += bytes.length
  }
  const open = Buffer.concat(parts)
  const footer = segmentFooter(head.segmentId, table, 0)
  const closed = Buffer.concat([open, footer, movieFragmentRandomAccess(table)])
  return { head, movie, open, closed, headBytes: fileHead.length, footerBytes: footer.length, seed, fragments, table }
}
