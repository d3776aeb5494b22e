// A throw-away Debian 12 whose first process is systemd, in namespaces of its own; the network is this machine's.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeTestFolder } from '../test-folder.ts'

export interface CommandResult {
  code: number
  /** Standard output and error, as they came. */
  output: string
}

const suite = 'bookworm'
const packages = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'procps']
const cache = resolve(import.meta.dirname, '../../../.cache/debian')
const bootSec = 30

/** The root that machines begin with, made once from Debian's own mirror: takes a minute or two. */
function baseRoot(): string {
  const root = join(cache, suite)
  const stamp = join(root, 'nightjar-stamp')
  const wanted = packages.join(' ')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return root
  rmSync(root, { recursive: true, force: true })
  rmSync(`${root}.new`, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  const options = ['--variant=minbase', `--include=${packages.join(',')}`]
  execFileSync('debootstrap', [...options, suite, `${root}.new`], { stdio: 'pipe' })
  // Nothing there waits for a terminal.
  rmSync(`${root}.new/etc/systemd/system/getty.target.wants`, { recursive: true, force: true })
  writeFileSync(join(`${root}.new`, 'nightjar-stamp'), wanted)
  renameSync(`${root}.new`, root)
  return root
}

export class DebianMachine {
  readonly #own = makeTestFolder()
  readonly #binds: string[]
  readonly #group = `nightjar-test-${process.pid}`
  #outer: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #complaints = ''
  #pid = 0

  /** `binds` are folders of this machine that are seen there, at the same place, to be read. */
  constructor(binds: string[]) {
    this.#binds = binds
  }

  /** Switches it on. Resolves when systemd has started what it starts. */
  async boot(): Promise<void> {
    const init = join(import.meta.dirname, 'debian-init')
    const args = ['-m', '--propagation', 'private', init, baseRoot(), this.#own, this.#group, ...this.#binds]
    const outer = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [outer.stdout, outer.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#complaints += chunk.toString()
      })
    }
    this.#outer = outer
    this.#ended = new Promise((done) => outer.once('close', () => done()))
    for (const startMs = performance.now(); performance.now() - startMs < bootSec * 1000; ) {
      if (outer.exitCode !== null) break
      // `unshare` became the script and then unshare again: its only child is systemd.
      const [child] = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').split(' ')
      this.#pid = Number(child)
      if (this.#pid > 0 && (await this.run('systemctl is-system-running')).output.match(/running|degraded/)) return
      await new Promise((wake) => setTimeout(wake, 100))
    }
    throw new Error(`the machine did not start: ${this.#complaints}`)
  }

  /** Runs a shell command there, as root, and waits for its end. */
  run(command: string, input = ''): Promise<CommandResult> {
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' }
    const args = ['-t', String(this.#pid), '-a', '--', 'sh', '-c', command]
    const child = spawn('nsenter', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    // A command that reads nothing may have ended by now.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    return new Promise((done, failed) => {
      child.once('error', failed)
      child.once('close', (code) => done({ code: code ?? -1, output }))
    })
  }

  /** What a command prints. Fails where it fails. */
  async must(command: string): Promise<string> {
    const { code, output } = await this.run(command)
    if (code !== 0) throw new Error(`${command}: status ${code}: ${output}`)
    return output.trim()
  }

  /** Where a file of it is on this machine, while it runs. */
  path(file: string): string {
    return join(`/proc/${this.#pid}/root`, file)
  }

  /** Shuts it down in order, as its power button does; `boot` starts it again with all that was written. */
  async shutDown(): Promise<void> {
    await this.run('systemctl poweroff')
    await this.#ended
    this.#leaveNothing()
  }

  /** Ends every process of it, however it is. */
  async destroy(): Promise<void> {
    this.#outer?.kill('SIGKILL')
    if (this.#pid > 0 && this.#outer?.exitCode === null) {
      try {
        process.kill(this.#pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await this.#ended
    this.#leaveNothing()
  }

  /** Its control groups: the kernel keeps them when their processes are gone. */
  #leaveNothing(): void {
    // The last process may need a moment to leave its group.
    const script = `mkdir -p "$1" && mount -t cgroup2 cgroup2 "$1" || exit
      for try in 1 2 3 4 5 6 7 8 9 10; do
        [ -d "$1/$2" ] || exit 0
        find "$1/$2" -depth -type d -exec rmdir {} + 2>/dev/null && exit 0
        sleep 0.2
      done`
    execFileSync('unshare', ['-m', 'sh', '-c', script, 'sh', join(this.#own, 'cgroup'), this.#group], { stdio: 'pipe' })
  }
}
