// Shows a closed segment to somebody else's reader: ffprobe must find every sample of every track (invariant 8).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSegmentFile } from './oracle/segment-file.ts'

/** What ffprobe found to be wrong with a closed segment; undefined where it reads all of it. */
export async function probeSegment(bytes: Uint8Array): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-probe-'))
  try {
    const path = join(folder, 'segment.mp4')
    writeFileSync(path, bytes)
    const counted = await countPackets(path)
    if (typeof counted === 'string') return counted
    const segment = readSegmentFile(bytes)
    for (const [i, { id }] of segment.tracks.entries()) {
      const samples = segment.fragments.reduce((sum, { tracks }) => {
        return sum + (tracks.find(({ trackId }) => trackId === id)?.sizes.length ?? 0)
      }, 0)
      if (samples > 0 && counted[i] !== samples)
        return `ffprobe reads ${counted[i]} of ${samples} samples of track ${id}`
    }
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function countPackets(path: string): Promise<number[] | string> {
  const options = ['-v', 'fatal', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'json', path]
  const probe = spawn('ffprobe', options, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  probe.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  probe.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  const [code] = (await once(probe, 'close')) as [number]
  if (code !== 0) return `ffprobe refuses it: ${errors.trim().split('\n')[0]}`
  const { streams } = JSON.parse(output) as { streams: { nb_read_packets?: string }[] }
  return streams.map((stream) => Number(stream.nb_read_packets ?? 0))
}
