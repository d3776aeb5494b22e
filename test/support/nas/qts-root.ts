// A throw-away NAS: a root of its own with QTS's files, its few tools and its stand-ins, in namespaces of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { makeTestFolder } from '../test-folder.ts'

/** What `/bin/sh` is: QTS has a bash that knows nothing of POSIX mode. */
export type NasShell = 'bash' | 'bash-as-sh' | 'dash' | 'busybox'

export interface QtsOptions {
  shell?: NasShell
  /** How getcfg treats case and defaults; see qts-getcfg. */
  mode?: 'strict' | 'lenient'
  /** Paths of this machine that are to be seen in the root, at the same place. */
  binds?: string[]
}

export interface JobResult {
  code: number
  /** Standard output and error, as they came. */
  output: string
}

/** At these places installers look for them. */
const binTools =
  'echo rm cut sed tar gzip dd ln cp mkdir uname sleep md5sum chmod cat hostname grep dirname date mv rmdir awk chown'
const usrBinTools = 'expr xargs find touch sort head tail readlink'
const folders = [
  ...['bin', 'sbin', 'usr/bin', 'usr/sbin', 'host-usr', 'proc', 'dev', 'mnt/HDA_ROOT', 'tmp', 'root', 'jobs'],
  ...['etc/config', 'etc/default_config', 'etc/init.d', 'etc/rcS.d', 'etc/rcK.d', 'var/run', 'var/log'],
  ...['home/httpd/RSS/images', 'share/CACHEDEV1_DATA/Public', 'share/CACHEDEV2_DATA/.qpkg'],
]
const files: Record<string, string> = {
  'etc/config/uLinux.conf': '[System]\nModel = TS-X53D\nVersion = 5.1.0\nWeb Access Port = 8080\n',
  'etc/config/smb.conf': '[Public]\ncomment = System default share\npath = /share/CACHEDEV1_DATA/Public\n',
  'etc/config/def_share.info': '[SHARE_DEF]\ndefPublic = Public\ndefVolMP = /share/CACHEDEV1_DATA\n',
  'etc/config/qpkg.conf': '[CacheMount]\nName = CacheMount\nEnable = TRUE\n',
  'etc/default_config/uLinux.conf': '[System]\nVersion = 5.1.0\n',
  'etc/platform.conf': 'Platform = X86_APOLLOLAKE\n',
  'etc/passwd': 'admin:x:0:0:administrator:/root:/bin/sh\n',
}
const shells: Record<NasShell, string> = {
  bash: '#!/host-usr/bin/bash\nexec /host-usr/bin/bash "$@"\n',
  'bash-as-sh': 'bash',
  dash: 'dash',
  busybox: 'busybox',
}

/** Where a program of this machine is seen in the root. */
function inside(program: string): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .concat('/usr/sbin', '/sbin')
    .map((folder) => join(folder, program))
    .find((path) => realpathOf(path) !== undefined)
  if (found === undefined) throw new Error(`this machine has no ${program}`)
  return realpathOf(found)!
    .replace(/^\/usr\//, '/host-usr/')
    .replace(/^\/bin\//, '/host-usr/bin/')
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

export class QtsRoot {
  /** Paths of this machine that are seen in it. */
  readonly binds: readonly string[]
  readonly #folder: string
  readonly #init: ChildProcess
  readonly #waiting = new Map<number, (code: number) => void>()
  readonly #ended: Promise<void>
  #jobs = 0
  #complaints = ''

  constructor({ shell = 'bash', mode = 'strict', binds = [] }: QtsOptions = {}) {
    this.binds = binds
    this.#folder = makeTestFolder()
    this.#furnish(shell, mode)
    // Root needs no user namespace; others get one, in which they are root.
    const flags = process.getuid?.() === 0 ? '-mpf' : '-Urmpf'
    const init = join(import.meta.dirname, 'qts-init')
    this.#init = spawn('unshare', [flags, '--kill-child', init, this.#folder, ...binds])
    this.#init.stderr!.on('data', (chunk: Buffer) => {
      this.#complaints += chunk.toString()
    })
    this.#ended = new Promise((resolve) => this.#init.once('close', () => resolve()))
    this.#init.once('close', () => {
      for (const answer of this.#waiting.values()) answer(-1)
    })
    createInterface(this.#init.stdout!).on('line', (line) => {
      const [job, code] = line.split(' ').map(Number)
      this.#waiting.get(job!)?.(code!)
      this.#waiting.delete(job!)
    })
  }

  #furnish(shell: NasShell, mode: string): void {
    for (const folder of folders) mkdirSync(this.path(folder), { recursive: true })
    for (const [file, text] of Object.entries({ ...files, 'etc/qts-mode': mode })) writeFileSync(this.path(file), text)
    for (const library of ['lib', 'lib64']) symlinkSync(`/host-usr/${library}`, this.path(library))
    // Programs of other places look for what they load here.
    symlinkSync('/host-usr/lib', this.path('usr/lib'))
    for (const [folder, tools] of [
      ['bin', binTools],
      ['usr/bin', usrBinTools],
    ] as const) {
      for (const tool of tools.split(' ')) {
        symlinkSync(inside(shell === 'busybox' ? 'busybox' : tool), this.path(`${folder}/${tool}`))
      }
    }
    for (const tool of ['getcfg', 'setcfg', 'log_tool', 'write_log']) {
      copyFileSync(join(import.meta.dirname, `qts-${tool.replace('_', '-')}`), this.path(`sbin/${tool}`))
    }
    // The real one would wait for whatever else writes to this machine's disks.
    writeFileSync(this.path('bin/sync'), '#!/bin/sh\necho sync >>/var/log/qts-trace\n', { mode: 0o755 })
    if (shells[shell].startsWith('#!')) {
      writeFileSync(this.path('bin/sh'), shells[shell])
      chmodSync(this.path('bin/sh'), 0o755)
    } else {
      symlinkSync(inside(shells[shell]), this.path('bin/sh'))
    }
  }

  /** Where a file of the NAS is on this machine. */
  path(file: string): string {
    return join(this.#folder, file)
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8')
  }

  write(file: string, text: string): void {
    writeFileSync(this.path(file), text)
  }

  /** Runs a shell command there, as `admin`, and waits for its end; what it leaves in the background goes on. */
  async run(command: string): Promise<JobResult> {
    const job = ++this.#jobs
    this.write(`jobs/${job}`, `${command}\n`)
    const code = await new Promise<number>((resolve) => {
      this.#waiting.set(job, resolve)
      if (this.#init.exitCode !== null) resolve(-1)
      else this.#init.stdin!.write(`${job}\n`)
    })
    if (code === -1) throw new Error(`the NAS has ended: ${this.#complaints}`)
    return { code, output: this.read(`jobs/${job}.out`) }
  }

  /** A key of this package's section in qpkg.conf. */
  setting(key: string): string | undefined {
    const section = /^\[Nightjar\]\n((?:(?!\[).*\n)*)/m.exec(this.read('etc/config/qpkg.conf'))?.[1] ?? ''
    return new RegExp(`^${key} = (.*)$`, 'm').exec(section)?.[1]
  }

  /** What the installer told App Center of its progress. */
  get progress(): string {
    return this.read('tmp/update_process').trim()
  }

  /** Ends every process of it. */
  async stop(): Promise<void> {
    this.#init.kill('SIGKILL')
    await this.#ended
  }
}
