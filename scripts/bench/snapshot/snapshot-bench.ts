// A picture of a keyframe: by the decoder that keeps its ffmpeg, and by an ffmpeg started for each.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { joinLengthPrefixed, splitAnnexB } from '../../../server/media/annex-b.ts'
import { h264NalType, parseH264Sps } from '../../../server/media/h264.ts'
import type { VideoTrack } from '../../../server/media/track.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { ClipLibrary } from '../../cameras/clip-library.ts'
import { processTree } from '../process-meter.ts'
import { type Report, rounded } from '../report.ts'
import { cacheFolder } from '../work-folder.ts'

export interface SnapshotOptions {
  /** Pictures that each way makes in all. */
  pictures: number
}

const pictureWidthPx = 320
const goal = 5
/** Pictures of each way before its first window, and in each window. */
const warmUp = 10
const batch = 20

/** H.264 NAL unit types (ITU-T H.264 table 7-1). */
const nalTypes = { sps: 7, pps: 8 }

interface Keyframe {
  track: VideoTrack
  sample: Uint8Array
  /** The same as a byte stream (Annex B). */
  annexB: Buffer
}

/**
 * 1080p keyframes of a simulated camera's clip to 320 px, one after another, both ways in turn by twenties.
 *
 * CPU time is that of this process, its ffmpeg that lives on, and those that have ended meanwhile.
 */
export async function benchSnapshot({ pictures }: SnapshotOptions, report: Report): Promise<void> {
  const keyframes = await readKeyframes()
  const decoder = new Decoder()
  const ways = {
    decoder: ({ track, sample }: Keyframe) => decoder.picture(track, sample, pictureWidthPx),
    spawn: ({ annexB }: Keyframe) => spawnedPicture(annexB),
  }
  const spentMs = { decoder: 0, spawn: 0 }
  const sizes = { decoder: 0, spawn: 0 }
  let turn = 0
  const take = async (way: keyof typeof ways) => {
    const picture = await ways[way](keyframes[turn++ % keyframes.length]!)
    if (picture[0] !== 0xff || picture[1] !== 0xd8) throw new Error(`${way}: what came out is no JPEG picture`)
    sizes[way] += picture.length
  }
  try {
    for (const way of ['decoder', 'spawn'] as const) for (let i = 0; i < warmUp; i++) await take(way)
    for (let done = 0; done < pictures; done += batch) {
      for (const way of (done / batch) % 2 === 0 ? (['decoder', 'spawn'] as const) : (['spawn', 'decoder'] as const)) {
        const before = cpuMsOfAll()
        for (let i = done; i < Math.min(done + batch, pictures); i++) await take(way)
        spentMs[way] += cpuMsOfAll() - before
      }
    }
  } finally {
    decoder.close()
  }
  const meanBytes = (way: keyof typeof ways) => Math.round(sizes[way] / (pictures + warmUp))
  report.tell(`pictures of ${meanBytes('decoder')} bytes by the decoder, of ${meanBytes('spawn')} by ffmpeg alone`)
  report.row({
    metric: 'snapshot-cpu',
    decoderCpuMs: rounded(spentMs.decoder / pictures, 2),
    spawnCpuMs: rounded(spentMs.spawn / pictures, 2),
    ratio: rounded(spentMs.spawn / spentMs.decoder, 2),
    goal,
  })
}

/** The clip's keyframes, as a track's samples: without parameter sets, each NAL unit after its length. */
async function readKeyframes(): Promise<Keyframe[]> {
  const library = new ClipLibrary(path.join(cacheFolder, 'clips'), {}, undefined)
  const { raw, rtp } = await library.video('main', {})
  const keyframes: Keyframe[] = []
  for (const [i, annexB] of raw.frames.entries()) {
    if (rtp.frames[i]!.isKey) keyframes.push(keyframeOf(annexB))
  }
  return keyframes
}

function keyframeOf(annexB: Buffer): Keyframe {
  const nals = [...splitAnnexB(annexB)]
  const isSet = (nal: Uint8Array) => Object.values(nalTypes).includes(h264NalType(nal[0]!))
  const sps = nals.find((nal) => h264NalType(nal[0]!) === nalTypes.sps)
  if (sps === undefined) throw new Error('the clip has a keyframe without parameter sets')
  const pps = nals.filter((nal) => h264NalType(nal[0]!) === nalTypes.pps)
  const { widthPx, heightPx } = parseH264Sps(sps)
  const track: VideoTrack = { kind: 'video', codec: 'h264', timescale: 90_000, widthPx, heightPx, sps, pps }
  return { track, sample: joinLengthPrefixed(nals.filter((nal) => !isSet(nal))), annexB }
}

async function spawnedPicture(annexB: Buffer): Promise<Buffer> {
  const options = ['-v', 'error', '-f', 'h264', '-i', 'pipe:0', '-frames:v', '1', '-vf', `scale=${pictureWidthPx}:-2`]
  const child = spawn('ffmpeg', [...options, '-f', 'mjpeg', 'pipe:1'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  // It may end before it has read all.
  child.stdin.on('error', () => undefined)
  child.stdin.end(annexB)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`)
  return Buffer.concat(parts)
}

/**
 * CPU milliseconds so far of this process, of its children that live, and of those it has waited for.
 *
 * `/proc/PID/stat` counts in ticks of 10 ms, so only a stretch of many pictures is worth a difference.
 */
function cpuMsOfAll(): number {
  let ticks = 0
  for (const pid of processTree(process.pid)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name in brackets may hold spaces; utime, stime, cutime and cstime are fields 14 to 17 (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      for (const field of fields.slice(11, 15)) ticks += Number(field)
    } catch {
      // A child has ended since it was listed: the next reading has it as one waited for.
    }
  }
  return ticks * 10
}
