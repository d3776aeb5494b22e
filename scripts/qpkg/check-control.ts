// The control part of a package: a tar with one control.tar.gz, and in that the installer and what it reads.
import { createHash } from 'node:crypto'
import type { CheckReport } from './check-report.ts'
import { collect, Gunzip } from './fixed-gzip.ts'
import { mandatoryFields, type PackageConfig, parsePackageConfig } from './package-config.ts'
import type { PackageFile } from './package-file.ts'
import { listTar, type ReadMember } from './tar-reader.ts'
import { mostNameBytes, mostVersionBytes } from './trailer.ts'

const archiveName = 'control.tar.gz'
/** In the order in which packers write them. Others may stand between. */
const memberOrder = [
  './',
  './conf.tar.gz',
  './qpkg.cfg',
  './md5sum',
  './built_info',
  './package_routines',
  './qinstall.sh',
]
const mandatoryMembers = ['./qpkg.cfg', './package_routines', './qinstall.sh']
const executable = 0o111

/** Checks the part, and gives what qpkg.cfg says; undefined where that cannot be read. */
export async function checkControl(
  file: PackageFile,
  report: CheckReport,
  atByte: number,
  sizeBytes: number,
): Promise<PackageConfig | undefined> {
  report.row('control', atByte, sizeBytes, 'tar')
  try {
    const outer = await listTar(file.chunks(atByte, sizeBytes))
    const archive = outer[0]
    if (outer.length !== 1 || archive?.name !== archiveName || archive.data === undefined) {
      const names = outer.map(({ name }) => name).join(', ')
      report.found('control', `it must hold ${archiveName} alone, and holds ${names || 'nothing'}`)
      return undefined
    }
    report.row('  control', atByte + 512, archive.sizeBytes, archiveName)
    const members = await listTar(new Gunzip([archive.data]))
    for (const member of members) report.memberRow('control', member)
    checkMembers(report, members)
    await checkConfigSums(report, members)
    return checkConfig(report, members)
  } catch (error) {
    report.found('control', (error as Error).message)
    return undefined
  }
}

const plainName = (name: string) => (name === '.' || name === './' ? './' : `./${name.replace(/^\.\//, '')}`)

function checkMembers(report: CheckReport, members: readonly ReadMember[]): void {
  const names = members.map(({ name }) => plainName(name))
  for (const name of mandatoryMembers) if (!names.includes(name)) report.found('control', `${name} is missing from it`)
  const known = names.filter((name) => memberOrder.includes(name))
  const wanted = memberOrder.filter((name) => names.includes(name))
  if (known.join() !== wanted.join()) {
    report.found('control', `its members stand as ${known.join(' ')}, not as ${wanted.join(' ')}`)
  }
  const installer = members.find(({ name }) => plainName(name) === './qinstall.sh')
  if (installer !== undefined && (installer.mode & executable) !== executable) {
    report.found('control', `./qinstall.sh has mode ${installer.mode.toString(8)}, and cannot be run`)
  }
}

function checkConfig(report: CheckReport, members: readonly ReadMember[]): PackageConfig | undefined {
  const source = members.find(({ name }) => plainName(name) === './qpkg.cfg')?.data
  if (source === undefined) return undefined
  const { fields } = parsePackageConfig(source.toString())
  for (const field of mandatoryFields) if (!fields[field]) report.found('control', `qpkg.cfg has no ${field}`)
  for (const [field, most] of [
    ['QPKG_NAME', mostNameBytes],
    ['QPKG_VER', mostVersionBytes],
  ] as const) {
    const value = fields[field] ?? ''
    if (value.length > most) report.found('control', `${field} has ${value.length} characters, the most is ${most}`)
  }
  if (/\s/.test(fields['QPKG_NAME'] ?? '')) report.found('control', 'QPKG_NAME holds a space')
  return fields
}

/** md5sum tells of files in conf.tar.gz by absolute paths; those of the data part are not looked at here. */
async function checkConfigSums(report: CheckReport, members: readonly ReadMember[]): Promise<void> {
  const archive = members.find(({ name }) => plainName(name) === './conf.tar.gz')?.data
  const sums = members.find(({ name }) => plainName(name) === './md5sum')?.data
  if (archive === undefined || archive.length === 0) return
  const configs = new Map<string, Buffer>()
  const unpacked = await collect(new Gunzip([archive])).catch((error: Error) => {
    report.found('control', `conf.tar.gz: ${error.message}`)
  })
  if (unpacked === undefined || unpacked.length === 0) return
  for (const { name, data } of await listTar([unpacked])) {
    if (data !== undefined) configs.set(`/${name.replace(/^\.?\//, '')}`, data)
  }
  for (const [, path, told] of (sums?.toString() ?? '').matchAll(/^(\/\S+) = ([0-9a-f]{32})$/gm)) {
    const data = configs.get(path!)
    const sum = data === undefined ? 'not in it' : createHash('md5').update(data).digest('hex')
    if (sum !== told) report.found('control', `conf.tar.gz: ${path} must have MD5 ${told}, and is ${sum}`)
  }
}
