// Footage for tests: coded by ffmpeg once a process, cut into segment files as FORMAT.md says.
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { initSegment, parseMoov } from '../../server/media/mp4/movie.ts'
import {
  fragmentHeadBytes,
  parseFragmentHead,
  type TrackRun,
  writeFragmentHead,
} from '../../server/media/segment/fragment-head.ts'
import { movieFragmentRandomAccess, segmentFooter } from '../../server/media/segment/segment-footer.ts'
import { segmentFileHead } from '../../server/media/segment/segment-head.ts'
import { crcSeed, fragmentFlags, trackIds, uuidBytes } from '../../server/media/segment/segment-layout.ts'
import { SegmentTable, TrackTable } from '../../server/media/segment/segment-table.ts'
import type { AudioTrack, Sample, TrackConfig, VideoTrack } from '../../server/media/track.ts'
import type { SegmentRow } from '../../server/recording/recorder-protocol.ts'
import type { SegmentCatalogue } from '../../server/recording/segment-reader.ts'

export interface TestTrack<T extends TrackConfig = TrackConfig> {
  config: T
  samples: (Sample & { durationTicks: number })[]
}

export interface TestClip {
  video: TestTrack<VideoTrack>
  audio: TestTrack<AudioTrack> | undefined
}

export interface ClipRecipe {
  seconds: number
  codec?: 'h264' | 'h265' | 'mjpeg'
  sizePx?: string
  fps?: number
  gop?: number
  bFrames?: number
  sound?: 'aac' | 'pcmu' | 'pcma'
}

const clips = new Map<string, TestClip>()

/** A test picture coded by ffmpeg; the same recipe gives the same samples. */
export function testClip(recipe: ClipRecipe): TestClip {
  const key = JSON.stringify(recipe)
  let clip = clips.get(key)
  if (clip === undefined) {
    clip = makeClip(recipe)
    clips.set(key, clip)
  }
  return clip
}

function makeClip(recipe: ClipRecipe): TestClip {
  const { seconds, codec = 'h264', sizePx = '320x180', fps = 25, gop = 25, bFrames = 0, sound } = recipe
  const folder = mkdtempSync(join(tmpdir(), 'clip-'))
  try {
    const coder = {
      h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', `bframes=${bFrames}:scenecut=0:b-adapt=0`],
      h265: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=0:scenecut=0:log-level=none'],
      mjpeg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '8'],
    }[codec]
    const isAac = sound === 'aac'
    const path = join(folder, 'clip.mp4')
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${sizePx}:rate=${fps}:duration=${seconds}`],
      ...(isAac ? ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=16000:duration=${seconds}`] : []),
      ...[...coder, '-g', String(gop), '-keyint_min', String(gop), '-video_track_timescale', '90000'],
      ...(isAac ? ['-c:a', 'aac', '-b:a', '32k', '-ac', '1'] : []),
      ...['-movflags', '+faststart', path],
    ])
    const bytes = readFileSync(path)
    const tracks = parseMoov(bytes)
    const read = (id: number) => samplesOf(path, bytes, id - 1, tracks[id - 1]!.timescale)
    const audio = isAac
      ? { config: tracks[1]!.config as AudioTrack, samples: read(2) }
      : sound === undefined
        ? undefined
        : testG711(sound, seconds)
    return { video: { config: tracks[0]!.config as VideoTrack, samples: read(1) }, audio }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface ProbedPacket {
  pts: number
  dts: number
  duration: number
  size: string
  pos: string
  flags: string
}

function samplesOf(path: string, bytes: Uint8Array, index: number, timescale: number): TestTrack['samples'] {
  const probed = execFileSync(
    'ffprobe',
    ['-v', 'error', '-select_streams', String(index), '-show_packets', '-of', 'json', path],
    { maxBuffer: 256 * 1024 * 1024 },
  )
  const { packets } = JSON.parse(probed.toString()) as { packets: ProbedPacket[] }
  const first = packets[0]!.dts
  return packets.map((packet, i) => ({
    dtsTicks: packet.dts - first,
    ctsTicks: packet.pts - packet.dts,
    durationTicks:
      i + 1 < packets.length ? packets[i + 1]!.dts - packet.dts : packet.duration || Math.round(timescale / 25),
    isKey: packet.flags.startsWith('K'),
    data: new Uint8Array(bytes.subarray(Number(packet.pos), Number(packet.pos) + Number(packet.size))),
  }))
}

/** A tone in G.711, packets of 20 ms. */
export function testG711(codec: 'pcmu' | 'pcma', seconds: number): TestTrack<AudioTrack> {
  const raw = execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=8000:duration=${seconds}`],
    ...['-f', codec === 'pcmu' ? 'mulaw' : 'alaw', '-'],
  ])
  const samples: TestTrack['samples'] = []
  for (let at = 0; at + 160 <= raw.length; at += 160) {
    samples.push({
      dtsTicks: at,
      ctsTicks: 0,
      durationTicks: 160,
      isKey: true,
      data: new Uint8Array(raw.subarray(at, at + 160)),
    })
  }
  return { config: { kind: 'audio', codec, timescale: 8000, sampleRateHz: 8000, channels: 1 }, samples }
}

export interface SegmentRecipe {
  clip: TestClip
  /** Seconds of the clip. The part begins with its first keyframe. */
  fromSec?: number
  toSec?: number
  /** UTC of the first frame, microseconds. */
  startUs: number
  runId?: string
  runIndex?: number
  sequence?: number
  stream?: number
  /** Without a footer where false. */
  isClosed?: boolean
}

let sequences = 0

/** A recording space in a folder of its own, with the rows of the segments written to it. */
export class TestSpace implements SegmentCatalogue {
  readonly folder = mkdtempSync(join(tmpdir(), 'space-'))
  readonly spaceId = randomUUID()
  readonly serverId = randomUUID()
  readonly cameraId = randomUUID()
  readonly rows: SegmentRow[] = []

  async segments(cameraId: string, stream: number, kind: string, fromMs: number, toMs: number): Promise<SegmentRow[]> {
    return this.rows.filter(
      (row) =>
        row.cameraId === cameraId &&
        row.stream === stream &&
        row.kind === kind &&
        row.startUs < toMs * 1000 &&
        (row.endUs > fromMs * 1000 || row.footerOffset === 0),
    )
  }

  folderOf(spaceId: string): string | undefined {
    return spaceId === this.spaceId ? this.folder : undefined
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  pathOf(row: SegmentRow): string {
    return join(this.folder, row.path)
  }

  /** Writes one segment file and gives its row, which is kept. */
  write(recipe: SegmentRecipe): SegmentRow {
    const { bytes, row } = this.build(recipe)
    const path = join(this.folder, row.path)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
    this.rows.push(row)
    return row
  }

  /** The bytes of a segment file, where each fragment ends, and its row. */
  build(recipe: SegmentRecipe): { bytes: Uint8Array; row: SegmentRow; headBytes: number; fragmentEnds: number[] } {
    const { clip, startUs, isClosed = true, runIndex = 0, stream = 1 } = recipe
    const segmentId = randomUUID()
    const sequence = recipe.sequence ?? ++sequences
    const runId = recipe.runId ?? randomBytes(8).toString('hex')
    const { video, audio, zeroSec } = cutClip(clip, recipe.fromSec ?? 0, recipe.toSec ?? Number.POSITIVE_INFINITY)
    const movie = initSegment({
      tracks: [
        { id: trackIds.video, config: clip.video.config, startOffsetTicks: clip.video.samples[0]!.ctsTicks },
        ...(clip.audio === undefined ? [] : [{ id: trackIds.audio, config: clip.audio.config }]),
      ],
    })
    const head = segmentFileHead(movie, {
      segmentId,
      serverId: this.serverId,
      spaceId: this.spaceId,
      channelId: this.cameraId,
      bootId: this.serverId,
      channelName: 'Gate',
      stream,
      kind: 'normal',
      runId,
      sequence,
      runIndex,
      startUs,
      runStartUs: startUs,
      clockTrust: 1,
      mediaTicks: Math.round(zeroSec * 90_000),
    })
    const seed = crcSeed(uuidBytes(segmentId))
    const hasOffsets = clip.video.samples.some((sample) => sample.ctsTicks !== 0)
    const table = new SegmentTable([
      new TrackTable(trackIds.video, clip.video.config.timescale, hasOffsets),
      ...(clip.audio === undefined ? [] : [new TrackTable(trackIds.audio, clip.audio.config.timescale, false)]),
    ])
    const parts: Uint8Array[] = [head]
    const fragmentEnds: number[] = []
    let at = head.length
    for (const group of fragmentsOf(video, audio, clip)) {
      const bytes = fragmentBytes(group, hasOffsets, seed, table.fragments, startUs, clip)
      const parsed = parseFragmentHead(bytes, 0, seed)
      if (parsed === undefined) throw new Error('the test wrote a fragment that does not hold')
      table.push(at, parsed)
      parts.push(bytes)
      at += bytes.length
      fragmentEnds.push(at)
    }
    let footerOffset = 0
    let footerBytes = 0
    if (isClosed) {
      const footer = segmentFooter(segmentId, table, 0)
      footerOffset = at
      footerBytes = footer.length
      parts.push(footer, movieFragmentRandomAccess(table))
    }
    const bytes = Buffer.concat(parts)
    const row: SegmentRow = {
      spaceId: this.spaceId,
      sequence,
      segmentId,
      cameraId: this.cameraId,
      stream,
      kind: 'normal',
      runId,
      runIndex,
      path: `${this.cameraId}/${stream}-normal/20261122/10/${String(sequence).padStart(6, '0')}.mp4`,
      startUs: table.startUs,
      endUs: table.endUs,
      sizeBytes: bytes.length,
      footerOffset,
      footerBytes,
      videoSamples: table.samples(trackIds.video),
      audioSamples: table.samples(trackIds.audio),
      flags: 0,
      videoCodec: clip.video.config.codec,
      audioCodec: clip.audio?.config.codec ?? '',
      widthPx: clip.video.config.widthPx,
      heightPx: clip.video.config.heightPx,
    }
    return { bytes, row, headBytes: head.length, fragmentEnds }
  }
}

/** Samples with decode times from the segment's start, in ticks. */
interface Cut {
  video: TestTrack['samples']
  audio: TestTrack['samples']
  /** Where the segment begins in the clip. */
  zeroSec: number
}

function cutClip(clip: TestClip, fromSec: number, toSec: number): Cut {
  const { timescale } = clip.video.config
  const isIn = (sample: Sample) => sample.dtsTicks >= fromSec * timescale && sample.dtsTicks < toSec * timescale
  const inside = clip.video.samples.filter(isIn)
  const video = inside.slice(inside.findIndex((sample) => sample.isKey))
  const zeroSec = video[0]!.dtsTicks / timescale
  const audioScale = clip.audio?.config.timescale ?? 1
  const audio = (clip.audio?.samples ?? []).filter(
    (sample) => sample.dtsTicks / audioScale >= zeroSec && sample.dtsTicks / audioScale < toSec,
  )
  const shifted = (samples: TestTrack['samples'], ticks: number) =>
    samples.map((sample) => ({ ...sample, dtsTicks: sample.dtsTicks - ticks }))
  return {
    video: shifted(video, video[0]!.dtsTicks),
    audio: shifted(audio, Math.round(zeroSec * audioScale)),
    zeroSec,
  }
}

interface Group {
  video: TestTrack['samples']
  audio: TestTrack['samples']
}

/** Half a second or up to the next keyframe each. */
function fragmentsOf(video: TestTrack['samples'], audio: TestTrack['samples'], clip: TestClip): Group[] {
  const { timescale } = clip.video.config
  const groups: Group[] = []
  for (const sample of video) {
    const group = groups.at(-1)
    if (group === undefined || sample.isKey || sample.dtsTicks - group.video[0]!.dtsTicks >= timescale / 2) {
      groups.push({ video: [sample], audio: [] })
    } else {
      group.video.push(sample)
    }
  }
  for (const sample of audio) {
    const sec = sample.dtsTicks / clip.audio!.config.timescale
    let group = groups[0]!
    for (const candidate of groups) if (candidate.video[0]!.dtsTicks / timescale <= sec) group = candidate
    group.audio.push(sample)
  }
  return groups
}

function fragmentBytes(
  group: Group,
  hasOffsets: boolean,
  seed: number,
  number: number,
  startUs: number,
  clip: TestClip,
): Uint8Array {
  const runOf = (trackId: number, samples: TestTrack['samples'], withOffsets: boolean): TrackRun => ({
    trackId,
    tfdtTicks: samples[0]!.dtsTicks,
    count: samples.length,
    sizes: Uint32Array.from(samples, (sample) => sample.data.length),
    durations: Uint32Array.from(samples, (sample) => sample.durationTicks),
    offsets: withOffsets ? Int32Array.from(samples, (sample) => sample.ctsTicks) : undefined,
  })
  const tracks = [runOf(trackIds.video, group.video, hasOffsets)]
  if (group.audio.length > 0) tracks.push(runOf(trackIds.audio, group.audio, false))
  const isKey = group.video[0]!.isKey
  const headBytes = fragmentHeadBytes(tracks, isKey)
  const data = Buffer.concat([...group.video, ...group.audio].map((sample) => sample.data))
  const bytes = new Uint8Array(headBytes + data.length)
  bytes.set(data, headBytes)
  writeFragmentHead(bytes, new DataView(bytes.buffer), headBytes, bytes.length, {
    tracks,
    flags: isKey ? fragmentFlags.key : 0,
    utcUs: startUs + Math.round((group.video[0]!.dtsTicks * 1e6) / clip.video.config.timescale),
    number,
    syncedThrough: 0,
    seed,
  })
  return bytes
}
