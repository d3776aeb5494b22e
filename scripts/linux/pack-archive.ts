// Packs an application tree for Linux with systemd: the tree, and beside it what installs it and looks after it.
import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Failure } from '../../shared/failure.ts'
import { gzip } from '../qpkg/fixed-gzip.ts'
import { SourceTree } from '../qpkg/source-tree.ts'
import { fileMember, type TarMember, writeTar } from '../qpkg/tar-writer.ts'

/** What `uname -m` says on the machines an archive can be for, by what they are called. */
const machines: Record<string, string> = { x86_64: 'x86_64', aarch64: 'aarch64', arm64: 'aarch64' }

/** What the tree has to have, for the services and the installer to find it. */
const needed = ['VERSION', 'bin/nightjar-server', 'bin/nightjar-recorder', 'bin/nightjar-root-door']

/** Files of this folder, and where they go in the archive. */
const ours: [file: string, destination: string][] = [
  ['install.sh', 'install.sh'],
  ['nightjar.sh', 'bin/nightjar'],
  ['uninstall.sh', 'linux/uninstall.sh'],
  ['nightjar.env', 'linux/nightjar.env'],
  ['hardening.conf', 'linux/hardening.conf'],
  ['nightjar.service', 'linux/nightjar.service'],
  ['nightjar-recorder.service', 'linux/nightjar-recorder.service'],
  ['nightjar-root-door.service', 'linux/nightjar-root-door.service'],
  ['README', 'linux/README'],
]

/**
 * Writes `OUT/nightjar-VERSION-linux-MACHINE.tar.gz` and its SHA-256 beside it, in the form of sha256sum, and gives the path.
 * All is in one folder of that name. The same tree makes the same bytes, whoever packs it and when.
 *
 * `arch` is `x86_64`, `aarch64` or `arm64`; in the name it is as `uname -m` says it. Fails `invalid` on a version or machine that is none, `not-found` where the tree lacks
 * a program or says another version.
 */
export async function packArchive(tree: string, out: string, version: string, arch: string): Promise<string> {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version)) {
    throw new Failure('invalid', `version: must be three numbers parted by dots, not ${JSON.stringify(version)}`, {
      field: 'version',
    })
  }
  const machineName = machines[arch]
  if (machineName === undefined) {
    const known = Object.keys(machines).join(', ')
    throw new Failure('invalid', `arch: must be one of ${known}, not ${JSON.stringify(arch)}`, { field: 'arch' })
  }
  for (const file of needed) {
    if (!existsSync(join(tree, file))) throw new Failure('not-found', `pack ${tree}: ${file} is missing`)
  }
  const told = readFileSync(join(tree, 'VERSION'), 'utf8').trim()
  if (told !== version) {
    throw new Failure('invalid', `version: ${tree} is ${told}, not ${version}`, { field: 'version' })
  }
  const name = `nightjar-${version}-linux-${machineName}`
  const members = new SourceTree()
  members.add({ source: tree, destination: name })
  for (const [file, destination] of ours) {
    members.add({ source: join(import.meta.dirname, file), destination: `${name}/${destination}` })
  }
  const machine = fileMember(`./${name}/linux/architecture`, Buffer.from(`${machineName}\n`))
  // Without the folder it is unpacked in: that one keeps its own owner and mode.
  const all = [...members.sorted().filter((member) => member.name !== './'), machine].sort(byName)
  mkdirSync(out, { recursive: true })
  const path = join(out, `${name}.tar.gz`)
  const part = `${path}.part`
  const hash = createHash('sha256')
  try {
    const bytes = async function* () {
      for await (const chunk of gzip(writeTar(all))) {
        hash.update(chunk)
        yield chunk
      }
    }
    await pipeline(Readable.from(bytes()), createWriteStream(part))
    renameSync(part, path)
  } finally {
    rmSync(part, { force: true })
  }
  writeFileSync(`${path}.sha256`, `${hash.digest('hex')}  ${basename(path)}\n`)
  return path
}

function byName(a: TarMember, b: TarMember): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
}
