// What QTS itself does with packages: starts them at boot, stops them at shutdown, moves and removes them.
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import type { PackedFile } from '../../../scripts/qpkg/pack.ts'
import { type Section, sectionsOf } from './qpkg-conf.ts'
import type { JobResult, QtsRoot } from './qts-root.ts'

/** Folders of a NAS that are in memory, and gone at each boot. */
const memoryFolders = [
  ...['/etc/init.d', '/etc/rcS.d', '/etc/rcK.d', '/home/httpd/RSS/images', '/usr/local', '/var/run', '/tmp'],
]

/** Where a package says nothing of how long it may take, in seconds. */
const defaultLimitSec = 60

export interface PackageRun extends JobResult {
  name: string
  /** It took longer than it may, and was killed. */
  isTimedOut: boolean
}

/** What GNU timeout exits with after SIGKILL. */
const killedCode = 137

/** Runs a package's script as QTS does, for so long as its `Timeout` (start, stop) allows. */
async function runScript(nas: QtsRoot, section: Section, verb: 'start' | 'stop'): Promise<PackageRun> {
  const [start, stop] = (section.get('Timeout') ?? '').split(',').map(Number)
  const limitSec = (verb === 'start' ? start : stop) || defaultLimitSec
  const result = await nas.run(`/host-usr/bin/timeout -s KILL ${limitSec} ${section.get('Shell')} ${verb}`)
  return { name: section.name, isTimedOut: result.code === killedCode, ...result }
}

function enabledPackages(nas: QtsRoot): Section[] {
  const sections = sectionsOf(nas.read('etc/config/qpkg.conf'))
  return sections.filter((one) => one.get('Enable') === 'TRUE' && one.get('Shell') !== undefined)
}

/** Stops every enabled package, the last one first. What does not stop in time is left running, as a NAS would. */
export async function shutdown(nas: QtsRoot): Promise<PackageRun[]> {
  const runs: PackageRun[] = []
  for (const section of enabledPackages(nas).reverse()) runs.push(await runScript(nas, section, 'stop'))
  return runs
}

/** Ends every process at once, as a power cut does, and empties what is in memory; then starts the enabled packages. */
export async function boot(nas: QtsRoot): Promise<PackageRun[]> {
  await nas.run('kill -KILL -1')
  for (const folder of memoryFolders) {
    for (const entry of readdirIfThere(nas.path(folder))) {
      const path = `${folder}/${entry}`
      // What is bound to a place there is this machine's.
      if (!nas.binds.some((bind) => `${bind}/`.startsWith(`${path}/`))) rmSync(nas.path(path), { recursive: true })
    }
  }
  const runs: PackageRun[] = []
  for (const section of enabledPackages(nas)) runs.push(await runScript(nas, section, 'start'))
  return runs
}

function readdirIfThere(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** App Center, as far as packages notice it. */
export class AppCenter {
  readonly #nas: QtsRoot
  readonly #isStrict: boolean

  /** `isStrict`: of a moved package's section no more is rewritten than what QTS needs to find it. */
  constructor(nas: QtsRoot, isStrict = true) {
    this.#nas = nas
    this.#isStrict = isStrict
  }

  /** Installs a package on a volume, such as `/share/CACHEDEV2_DATA`. */
  async install(packed: PackedFile, volume: string): Promise<JobResult> {
    copyFileSync(packed.path, this.#nas.path('share/package.qpkg'))
    const name = basename(packed.path).split('_')[0]
    return await this.#nas.run(`QNAP_QPKG=${name} QINSTALL_PATH=${volume} /bin/sh /share/package.qpkg`)
  }

  /** Runs the package's own uninstaller, then drops its section. */
  async remove(name: string): Promise<JobResult> {
    const result = await this.#nas.run(`${this.#section(name).get('Install_Path')}/.uninstall.sh`)
    const conf = this.#nas.read('etc/config/qpkg.conf')
    this.#nas.write('etc/config/qpkg.conf', conf.replace(new RegExp(`^\\[${name}\\]\\n(?:(?!\\[).*\\n)*`, 'm'), ''))
    return result
  }

  /** Moves a package to another volume: stop, move, rewrite, link, start. */
  async migrate(name: string, volume: string): Promise<PackageRun> {
    const before = this.#section(name)
    const [from, to] = [before.get('Install_Path')!, `${volume}/.qpkg/${name}`]
    await runScript(this.#nas, before, 'stop')
    const moved = await this.#nas.run(`mkdir -p ${volume}/.qpkg && mv ${from} ${to}`)
    if (moved.code !== 0) throw new Error(`migrate ${name}: ${moved.output}`)
    for (const [key, value] of before.entries) {
      const isRewritten = this.#isStrict ? key === 'Install_Path' || key === 'Shell' : value.startsWith(from)
      if (!isRewritten) continue
      await this.#nas.run(`/sbin/setcfg ${name} ${key} ${value.replace(from, to)} -f /etc/config/qpkg.conf`)
    }
    const after = this.#section(name)
    await this.#nas.run(`ln -sf ${after.get('Shell')} /etc/init.d/${basename(after.get('Shell')!)}`)
    return await runScript(this.#nas, after, 'start')
  }

  /** Tells every package that asked for it of a volume or share, by name or path: `Mount` with `/share/CACHEDEV2_DATA`. */
  async fire(action: 'Mount' | 'Unmount' | 'Share_Add' | 'Share_Del', what: string): Promise<PackageRun[]> {
    const runs: PackageRun[] = []
    for (const section of enabledPackages(this.#nas)) {
      const script = section.get(`${action}_Action`)
      if (script === undefined) continue
      const limitSec = Number(section.get('Action_Timeout')) || defaultLimitSec
      const result = await this.#nas.run(`/host-usr/bin/timeout -s KILL ${limitSec} ${script} ${what}`)
      runs.push({ name: section.name, isTimedOut: result.code === killedCode, ...result })
    }
    return runs
  }

  #section(name: string): Section {
    const found = sectionsOf(this.#nas.read('etc/config/qpkg.conf')).find((one) => one.name === name)
    if (found === undefined) throw new Error(`package ${name} is not installed`)
    return found
  }
}
