// A minute of moving picture made by ffmpeg once, cut into single frames. Each picture carries the number of its frame
// as ten black or white blocks along its upper edge, lowest bit first, so that a test can tell which frame it sees.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const clipFps = 15
export const clipFrames = 900
export const clipMs = 60_000
/** Frames from a keyframe to the next. */
export const clipGop = 15
export const codeBits = 10

export interface ClipTrack {
  init: Buffer
  timescale: number
  /** One fragment a frame, in order. */
  fragments: Buffer[]
  mimeType: string
}

export interface TestClip {
  main: ClipTrack
  sub: ClipTrack
  aac: ClipTrack
  /** Picture and sound in one movie: track 1 and 2. */
  both: ClipTrack
  /** A picture a second, 320 pixels wide. */
  jpegs: Buffer[]
}

const folder = join(tmpdir(), 'nightjar-desktop-clip-1')

let made: Promise<TestClip> | undefined

/** The clip; made at the first call on a machine and kept in its temporary folder. */
export function testClip(): Promise<TestClip> {
  made ??= readClip()
  return made
}

async function readClip(): Promise<TestClip> {
  if (!existsSync(folder)) await makeClip()
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort()
  return {
    main: await readTrack('main.mp4', 'video/mp4; codecs="avc1.42C01F"'),
    sub: await readTrack('sub.mp4', 'video/mp4; codecs="avc1.42C01E"'),
    aac: await readTrack('aac.mp4', 'audio/mp4; codecs="mp4a.40.2"'),
    both: await readTrack('both.mp4', 'video/mp4; codecs="avc1.42C01E, mp4a.40.2"'),
    jpegs: await Promise.all(names.map((name) => readFile(join(folder, name)))),
  }
}

async function makeClip(): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'nightjar-clip-'))
  const ffmpeg = (...args: string[]) => run('ffmpeg', ['-v', 'error', '-y', ...args], { cwd: work })
  const blocks = Array.from(
    { length: codeBits },
    (_, bit) => `drawbox=x=${bit * 24}:y=0:w=24:h=24:color=white:t=fill:enable='gt(mod(floor(n/${2 ** bit}),2),0.5)'`,
  )
  const marks = `drawbox=x=0:y=0:w=${codeBits * 24}:h=24:color=black:t=fill,${blocks.join(',')}`
  const source = `testsrc2=s=640x360:r=${clipFps}:d=60,${marks}`
  const h264 = '-c:v libx264 -preset veryfast -profile:v baseline -pix_fmt yuv420p -bf 0 -sc_threshold 0 -g 15'.split(
    ' ',
  )
  const cut = ['-movflags', '+empty_moov+default_base_moof+frag_every_frame']
  await mkdir(work, { recursive: true })
  await ffmpeg('-f', 'lavfi', '-i', source, ...h264, '-level', '3.0', '-crf', '30', ...cut, 'sub.mp4')
  await ffmpeg('-i', 'sub.mp4', '-vf', 'scale=960:540', ...h264, '-level', '3.1', '-crf', '30', ...cut, 'main.mp4')
  const tone = ['-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=60', '-c:a', 'aac', '-b:a', '48k']
  await ffmpeg(...tone, ...cut, 'aac.mp4')
  await ffmpeg('-i', 'sub.mp4', '-i', 'aac.mp4', '-c', 'copy', '-map', '0:v', '-map', '1:a', ...cut, 'both.mp4')
  await ffmpeg(
    '-skip_frame',
    'nokey',
    '-i',
    'sub.mp4',
    '-vsync',
    '0',
    '-vf',
    'scale=320:-1',
    '-q:v',
    '5',
    'key%03d.jpg',
  )
  await rename(work, folder).catch(() => rm(work, { recursive: true }))
}

async function readTrack(name: string, mimeType: string): Promise<ClipTrack> {
  const bytes = await readFile(join(folder, name))
  const fragments: Buffer[] = []
  let init = Buffer.alloc(0)
  let open: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    const box = bytes.subarray(at, at + sizeBytes)
    if (type === 'ftyp' || type === 'moov') init = Buffer.concat([init, box])
    if (type === 'moof') open = [box]
    if (type === 'mdat') {
      fragments.push(Buffer.concat([...open, box]))
      open = []
    }
    at += sizeBytes
  }
  const mdhd = init.indexOf('mdhd')
  const timescale = init.readUInt32BE(mdhd + 4 + (init[mdhd + 4] === 1 ? 20 : 12))
  return { init, timescale, fragments, mimeType }
}

/** The track a one-frame fragment is of. */
export function trackIdOf(fragment: Buffer): number {
  return fragment.readUInt32BE(fragment.indexOf('tfhd') + 8)
}

/** A copy of a fragment at another decode time, in ticks; with `durationTicks`, made to last that long. */
export function movedFragment(fragment: Buffer, ticks: bigint, durationTicks?: number): Buffer {
  const copy = Buffer.from(fragment)
  const tfdt = copy.indexOf('tfdt')
  if (copy[tfdt + 4] === 1) copy.writeBigUInt64BE(ticks, tfdt + 8)
  else copy.writeUInt32BE(Number(ticks & 0xffffffffn), tfdt + 8)
  if (durationTicks !== undefined) {
    // tfhd: flags 0x000008 default duration; nothing optional stands before it in what ffmpeg writes but the offset.
    const tfhd = copy.indexOf('tfhd')
    const flags = copy.readUInt32BE(tfhd + 4) & 0xffffff
    if ((flags & 0x08) === 0) throw new Error('no default duration in this fragment')
    copy.writeUInt32BE(durationTicks, tfhd + 12 + (flags & 0x01 ? 8 : 0) + (flags & 0x02 ? 4 : 0))
  }
  return copy
}
