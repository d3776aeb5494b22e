// Starts the root door as a process and asks it for folders on mounts of their own: run as root in a mount namespace that
// ends with the process (see `root-door.test.ts`). Prints one line of JSON a finding: what was asked for, what came.
//
// Usage: root-door-folders.ts PROGRAM FOLDER
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { RootClient } from '../../server/host/linux/root-client.ts'

const [, , program, folder] = process.argv as [string, string, string, string]
const serverId = '4321'

execFileSync('mount', ['-t', 'tmpfs', 'none', '/mnt'])
for (const [name, mode] of [
  ['volume', '0755'],
  ['open', '1777'],
] as const) {
  mkdirSync(`/mnt/${name}`)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=4m,mode=${mode}`, 'none', `/mnt/${name}`])
}
mkdirSync('/mnt/volume/folder')
mkdirSync('/mnt/volume/QVRProSpace_other')
symlinkSync('/mnt/volume', '/mnt/link')
symlinkSync('/mnt', '/mnt/up')

chmodSync(folder, 0o755)
const socket = join(folder, 'root.sock')
const door = spawn(process.execPath, [program, socket, serverId, serverId], { stdio: ['ignore', 'pipe', 'inherit'] })
await new Promise<void>((resolve, reject) => {
  door.stdout.once('data', () => resolve())
  door.once('exit', (code) => reject(new Error(`the root door ended with status ${code}`)))
})
door.stdout.resume()
// However this ends, the door ends too.
process.on('exit', () => door.kill('SIGTERM'))
// The kernel lets root through any socket: that others are kept out is told by its owner and mode.
const { uid, gid, mode } = statSync(socket)
if (uid !== 4321 || gid !== 4321 || (mode & 0o777) !== 0o600) throw new Error('the socket is not the server’s alone')

/** What a user meets who connects. */
function knock(userId: number): string {
  const script = `require('net').connect(${JSON.stringify(socket)}).on('connect', () => { console.log('let in'); process.exit() })
    .on('error', (error) => console.log(error.code))`
  return execFileSync(process.execPath, ['-e', script], { uid: userId, gid: userId, encoding: 'utf8', env: {} }).trim()
}
for (const userId of [4321, 4322]) console.log(JSON.stringify([`knocking as ${userId}`, knock(userId)]))

const client = new RootClient(socket)
for (const [what, path] of [
  ['a new folder', '/mnt/volume/QVRProSpace_new'],
  ['the same again', '/mnt/volume/QVRProSpace_new'],
  ['somebody else’s', '/mnt/volume/QVRProSpace_other'],
  ['not on a volume', '/mnt/volume/folder/QVRProSpace_new'],
  ['on a volume that others may write to', '/mnt/open/QVRProSpace_new'],
  ['by a link', '/mnt/link/QVRProSpace_new'],
  ['by a link above', '/mnt/up/volume/QVRProSpace_new'],
  ['under another name', '/mnt/volume/etc'],
  ['with ..', '/mnt/volume/../volume/QVRProSpace_new'],
  ['directly on /', '/QVRProSpace_new'],
] as const) {
  const finding = await client.ask({ verb: 'make-space-folder', path })
  const made = finding.isFound ? statSync(path) : undefined
  const state = made && `found, of ${made.uid}:${made.gid}, mode ${(made.mode & 0o777).toString(8)}`
  console.log(
    JSON.stringify([what, state ?? (finding.isFound ? '' : finding.reason.replace('make space folder: ', ''))]),
  )
}
process.exit()
