// What root does for the server, each argument checked here, for here is where the rights are.
import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, normalize } from 'node:path'
import type { Finding } from '../finding.ts'
import { MachineFiles } from '../machine-files.ts'
import { parseMountInfo, visibleMounts } from '../mount.ts'
import { ToolRunner } from '../tool-runner.ts'
import { isTimeZoneName } from '../wall-clock.ts'
import type { RootAnswer, RootRequest } from './root-protocol.ts'

export interface RootVerbsOptions {
  /** `/`, but for a simulated machine. */
  root: string
  /** The server's own user and group: folders are given to them and to nobody else. */
  userId: number
  groupId: number
}

const done: RootAnswer = { isDone: true, reason: '' }

export class RootVerbs {
  readonly #options: RootVerbsOptions
  readonly #files: MachineFiles
  readonly #tools: ToolRunner

  constructor(options: RootVerbsOptions) {
    this.#options = options
    this.#files = new MachineFiles(options.root)
    this.#tools = new ToolRunner({ root: options.root, timeoutMs: 10_000 })
  }

  /** Never throws: what goes wrong is the answer's reason. */
  async run(request: RootRequest): Promise<RootAnswer> {
    try {
      switch (request.verb) {
        case 'restart':
          return answerOf(await this.#tools.text('systemctl', ['reboot']))
        case 'shutdown':
          return answerOf(await this.#tools.text('systemctl', ['poweroff']))
        case 'set-time-zone':
          return await this.#setTimeZone(request.zone)
        case 'make-space-folder':
          return await this.#makeSpaceFolder(request.path)
      }
    } catch (error) {
      return refusal((error as Error).message)
    }
  }

  /** By systemd where it runs, for it tells the others; else as localtime(5) says. */
  async #setTimeZone(zone: string): Promise<RootAnswer> {
    if (!isTimeZoneName(zone)) return refusal('zone: must be a name such as Europe/Berlin')
    const file = this.#files.path(`/usr/share/zoneinfo/${zone}`)
    const bytes = await readFile(file).catch(() => undefined)
    // "TZif", the beginning of every file of the database (RFC 8536 §3.1).
    if (bytes?.subarray(0, 4).toString('latin1') !== 'TZif') return refusal(`zone: this machine knows no ${zone}`)
    if (await this.#files.has('/run/systemd/system')) {
      return answerOf(await this.#tools.text('timedatectl', ['set-timezone', zone]))
    }
    const place = this.#files.path('/etc/localtime')
    await unlink(`${place}.new`).catch(() => {})
    await symlink(`/usr/share/zoneinfo/${zone}`, `${place}.new`)
    await rename(`${place}.new`, place)
    if (await this.#files.has('/etc/timezone')) await writeFile(this.#files.path('/etc/timezone'), `${zone}\n`)
    return done
  }

  /**
   * Only directly on a mounted volume, below a folder that nobody but root can change, and under the names spaces have:
   * so no link can lead elsewhere, and nothing that is there already is given away.
   */
  async #makeSpaceFolder(path: string): Promise<RootAnswer> {
    const parent = dirname(path)
    if (normalize(path) !== path || !path.startsWith('/') || parent === '/') {
      return refusal('path: must be absolute, without . and .., and on a volume other than /')
    }
    if (!/^(QVRPro|Nightjar)Space_[A-Za-z0-9._ -]{1,64}$/.test(basename(path))) {
      return refusal(
        'path: must end in QVRProSpace_ or NightjarSpace_ and a name of 1 to 64 letters, digits, . _ - or spaces',
      )
    }
    const place = this.#files.path(parent)
    const status = await lstat(place).catch(() => undefined)
    if (status === undefined || !status.isDirectory()) {
      return refusal(`path: ${parent} is no folder`)
    }
    // The kernel names mount points without links: a path that has one is none of them.
    const mounts = visibleMounts(parseMountInfo((await this.#files.read('/proc/self/mountinfo')) ?? ''))
    if (!mounts.some(({ mountPoint }) => mountPoint === parent))
      return refusal(`path: no volume is mounted at ${parent}`)
    if (!isRootsAlone(status)) return refusal(`path: others than root may write to ${parent}`)
    return this.#give(this.#files.path(path), path)
  }

  async #give(place: string, path: string): Promise<RootAnswer> {
    const { userId, groupId } = this.#options
    try {
      await mkdir(place, { mode: 0o750 })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const owner = code === 'EEXIST' ? (await lstat(place)).uid : undefined
      // Asked twice, the second time finds it done.
      if (owner === userId && userId !== 0) return done
      return refusal(code === 'EEXIST' ? `path: ${path} is there already` : (error as Error).message)
    }
    const folder = await open(place, constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      await folder.chown(userId, groupId)
    } finally {
      await folder.close()
    }
    return done
  }
}

function isRootsAlone({ uid, mode }: Stats): boolean {
  return uid === 0 && (mode & 0o022) === 0
}

function answerOf(finding: Finding<string>): RootAnswer {
  return finding.isFound ? done : refusal(finding.reason)
}

function refusal(reason: string): RootAnswer {
  return { isDone: false, reason }
}
