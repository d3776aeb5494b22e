// A root in which there is a static busybox and nothing else: no C library, no tools, no settings.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { makeTestFolder } from './test-folder.ts'

const tools = ['sh', 'cat', 'grep', 'ls', 'readlink', 'tr', 'kill', 'sleep']
const cache = resolve(import.meta.dirname, '../../.cache/package/busybox')

/** Debian's static busybox, unpacked and not installed: it would take the place of the other one. */
function staticBusybox(): string {
  const program = join(cache, 'bin/busybox')
  if (!existsSync(program)) {
    mkdirSync(cache, { recursive: true })
    execFileSync('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', 'busybox-static'], {
      cwd: cache,
      stdio: 'ignore',
    })
    const archive = readdirSync(cache).find((name) => name.endsWith('.deb'))!
    execFileSync('dpkg-deb', ['-x', join(cache, archive), cache])
  }
  return program
}

export class BareRoot {
  readonly folder = makeTestFolder()
  #child: ChildProcess | undefined

  constructor() {
    for (const name of ['bin', 'proc', 'dev', 'tmp', 'data']) mkdirSync(join(this.folder, name))
    copyFileSync(staticBusybox(), join(this.folder, 'bin/busybox'))
    chmodSync(join(this.folder, 'bin/busybox'), 0o755)
    for (const tool of tools) symlinkSync('busybox', join(this.folder, 'bin', tool))
  }

  /**
   * Runs a shell script there, `source` of this machine seen at `place`, and gives the lines it prints as they come. The
   * network is this machine's.
   */
  run(script: string, source: string, place: string): AsyncIterable<string> {
    mkdirSync(join(this.folder, place), { recursive: true })
    writeFileSync(join(this.folder, 'script'), script)
    const init = `set -e
      mount --bind "$1" "$1"; mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; mount --bind "$2" "$1/$3"
      exec chroot "$1" /bin/sh -c 'cd /; exec env -i PATH=/bin HOME=/ sh /script'`
    this.#child = spawn('unshare', ['-mpf', '--kill-child', 'sh', '-c', init, 'sh', this.folder, source, place], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return createInterface({ input: this.#child.stdout! })
  }

  /** Ends every process of it. */
  async stop(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
