// VLC as an independent player: how many pictures it plays of a file.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Frames that VLC decodes of the file's picture; it leaves out the last one or two. VLC refuses to run as root. */
export function framesPlayedByVlc(path: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-vlc-'))
  chmodSync(folder, 0o777)
  chmodSync(path, 0o644)
  const out = join(folder, 'out.mp4')
  const sout = `#transcode{vcodec=h264,venc=x264{preset=ultrafast},acodec=none}:std{access=file,mux=mp4,dst=${out}}`
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const command = [
    ...asNobody,
    'env',
    `HOME=${folder}`,
    'cvlc',
    '-q',
    '-I',
    'dummy',
    '--no-sout-audio',
    '--sout',
    sout,
    path,
    'vlc://quit',
  ]
  try {
    execFileSync(command[0]!, command.slice(1), { timeout: 60_000, stdio: 'ignore' })
    const probe = ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets']
    return Number.parseInt(execFileSync('ffprobe', [...probe, '-of', 'csv=p=0', out], { encoding: 'utf8' }), 10)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
