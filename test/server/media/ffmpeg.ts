/** The system's ffmpeg and ffprobe as an independent opinion. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that is removed when the tests that made it are done. */
export class TempFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'media-test-'))

  file(name: string, bytes?: Uint8Array): string {
    const path = join(this.path, name)
    if (bytes) writeFileSync(path, bytes)
    return path
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** What ffmpeg writes to its standard output. Throws where it complains of anything. */
export function ffmpeg(...args: string[]): Buffer {
  return execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-nostdin', ...args], { maxBuffer: 256 * 1024 * 1024 })
}

interface Probe {
  format: Record<string, string>
  streams: Record<string, string & number>[]
  packets: Record<string, string>[]
  frames: Record<string, string>[]
}

/** What ffprobe finds, by its own names of things. */
export function ffprobe(path: string, ...args: string[]): Probe {
  const output = execFileSync('ffprobe', ['-v', 'error', '-of', 'json', ...args, path], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  return JSON.parse(output)
}

/** An MD5 of each decoded frame of one stream, with its time in the stream's clock. */
export function decodedFrames(path: string, stream: string): { ticks: number; md5: string }[] {
  const text = ffmpeg(
    '-i',
    path,
    '-map',
    `0:${stream}`,
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '-1',
    '-f',
    'framemd5',
    '-',
  ).toString()
  return text
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map((fields) => ({ ticks: Number(fields[2]), md5: fields[5]! }))
}

/** Two seconds of moving picture at 25 frames a second; `codec` as ffmpeg takes it, GOPs of 1 s. */
export function pictureClip(...codec: string[]): Buffer {
  return ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=322x182:rate=25:duration=4', '-pix_fmt', 'yuv420p', ...codec],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', '-'],
  )
}
