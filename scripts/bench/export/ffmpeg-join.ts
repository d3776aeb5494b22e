// What people use today: ffmpeg joins segment files into a movie that it can send before it is whole.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { ownChild } from '../own-processes.ts'
import { drainedBytes, startDrain } from './download.ts'

/** Joins files into a drain. Gives ffmpeg's CPU seconds, by its own account, and the bytes it made. */
export async function joinAll(
  files: readonly string[],
  folder: string,
): Promise<{ cpuSec: number; sizeBytes: number }> {
  const list = path.join(folder, 'list')
  writeFileSync(list, files.map((file) => `file '${file.replaceAll("'", "'\\''")}'\n`).join(''))
  const drain = startDrain()
  const drained = drainedBytes(drain)
  const output = ['-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', 'pipe:1']
  const options = ['-nostdin', '-hide_banner', '-benchmark', '-nostats', '-f', 'concat', '-safe', '0', '-i', list]
  // The drain reads the pipe itself: nothing of ours stands between.
  const joiner = ownChild(spawn('ffmpeg', [...options, ...output], { stdio: ['ignore', drain.stdin as never, 'pipe'] }))
  drain.stdin!.destroy()
  const [said, [code]] = await Promise.all([text(joiner.stderr!), once(joiner, 'exit')])
  const times = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(said)
  if (code !== 0 || times === null) throw new Error(`ffmpeg ended with ${code}: ${said.slice(-500)}`)
  return { cpuSec: Number(times[1]) + Number(times[2]), sizeBytes: await drained }
}
