// Makes a .qpkg of a source folder. The same sources make the same bytes, whoever packs them and when.
import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'
import { collect, gzip } from './fixed-gzip.ts'
import { ddBlockBytes, writeHeader } from './header.ts'
import { type PackageConfig, readPackageConfig } from './package-config.ts'
import { type Addition, SourceTree } from './source-tree.ts'
import { fileMember, folderMember, writeTar } from './tar-writer.ts'
import { trailerBytes, writeTrailer } from './trailer.ts'

/** What `uname -m` says on the machines that a package can be for. */
export const machines: Record<string, string> = { x86_64: 'x86_64', arm_64: 'aarch64' }

export interface PackOptions {
  /** The folder with qpkg.cfg, package_routines, shared/ and icons/. */
  sourceFolder: string
  outFolder: string
  additions: readonly Addition[]
  /** `x86_64` or `arm_64`; undefined for a package that any machine takes. */
  architecture: string | undefined
  /** The day told as the build's, YYYYMMDD. Given, not read from a clock: it is part of the bytes. */
  builtOn: string
}

export interface PackedFile {
  path: string
  sizeBytes: number
  md5: string
}

/** The icons that App Center shows, with what they are called in the package. */
const icons = [
  ['', '.qpkg_icon.gif'],
  ['_80', '.qpkg_icon_80.gif'],
  ['_gray', '.qpkg_icon_gray.gif'],
] as const

/**
 * Packs, and writes the file's MD5 beside it, in the form of md5sum.
 *
 * Fails `invalid` or `limit` on what qpkg.cfg may not say, `not-found` on a source that is missing.
 */
export async function pack(options: PackOptions): Promise<PackedFile> {
  const { sourceFolder, outFolder, architecture } = options
  if (!/^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(options.builtOn)) {
    throw new Failure('invalid', `--built: ${JSON.stringify(options.builtOn)} is not a day as YYYYMMDD`, {
      field: '--built',
    })
  }
  const machine = architecture === undefined ? '' : machines[architecture]
  if (machine === undefined) {
    const known = Object.keys(machines).join(' or ')
    throw new Failure('invalid', `--arch: ${JSON.stringify(architecture)} is not ${known}`, { field: '--arch' })
  }
  const config = readPackageConfig(readSource(sourceFolder, 'qpkg.cfg').toString())
  const [name, version] = [config['QPKG_NAME']!, config['QPKG_VER']!]
  const tree = dataTree(options, config)
  const control = await controlPart(options)
  mkdirSync(outFolder, { recursive: true })
  const fileName = [name, version, ...(architecture === undefined ? [] : [architecture])].join('_')
  const path = join(outFolder, `${fileName}.qpkg`)
  const dataPath = `${path}.data`
  const partPath = `${path}.part`
  try {
    const data = await writeData(dataPath, tree)
    const controlMd5 = createHash('md5').update(control).digest('hex')
    const header = writeHeader({
      ...{ name, version, machine, controlMd5 },
      ...{ controlBytes: control.length, dataBytes: data.sizeBytes, dataMd5: data.md5 },
    })
    const sizeBytes = header.length + control.length + data.sizeBytes + trailerBytes
    const parts = [header, control, createReadStream(dataPath), writeTrailer(name, version, sizeBytes)]
    const written = await writeParts(partPath, parts)
    renameSync(partPath, path)
    writeFileSync(`${path}.md5`, `${written.md5}  ${fileName}.qpkg\n`)
    return { path, ...written }
  } finally {
    for (const file of [dataPath, partPath]) rmSync(file, { force: true })
  }
}

function readSource(folder: string, file: string): Buffer {
  const path = join(folder, file)
  if (!existsSync(path)) throw new Failure('not-found', `pack ${folder}: ${file} is missing`, { field: file })
  return readFileSync(path)
}

function dataTree(options: PackOptions, config: PackageConfig): SourceTree {
  const { sourceFolder } = options
  const name = config['QPKG_NAME']!
  const tree = new SourceTree()
  if (!existsSync(join(sourceFolder, 'shared'))) {
    throw new Failure('not-found', `pack ${sourceFolder}: the folder shared is missing`, { field: 'shared' })
  }
  tree.add({ source: join(sourceFolder, 'shared'), destination: '.' })
  for (const [suffix, destination] of icons) {
    const source = ['png', 'gif'].map((end) => join(sourceFolder, 'icons', `${name}${suffix}.${end}`)).find(existsSync)
    if (source === undefined) {
      throw new Failure('not-found', `pack ${sourceFolder}: icons/${name}${suffix}.png is missing`, { field: 'icons' })
    }
    tree.add({ source, destination })
  }
  for (const addition of options.additions) tree.add(addition)
  for (const field of ['QPKG_SERVICE_PROGRAM', 'QPKG_MOUNT_ACTION', 'QPKG_UNMOUNT_ACTION']) {
    const program = config[field]
    if (program === undefined || tree.has(`./${program}`)) continue
    throw new Failure('invalid', `${field}: ${program} is not in the package`, { field })
  }
  return tree
}

/** control.tar: the installer and what it reads, in the order in which QDK packs them. */
async function controlPart({ sourceFolder, builtOn }: PackOptions): Promise<Buffer> {
  const installer = readFileSync(join(import.meta.dirname, 'qinstall.sh'))
  const members = [
    folderMember('./'),
    // Nightjar has no files of its own outside the install folder: what it keeps in /etc/config it makes itself.
    fileMember('./conf.tar.gz', await collect(gzip(writeTar([])))),
    fileMember('./qpkg.cfg', readSource(sourceFolder, 'qpkg.cfg')),
    fileMember('./md5sum', Buffer.alloc(0)),
    fileMember('./built_info', Buffer.from(`time = ${builtOn}\n`)),
    fileMember('./package_routines', readSource(sourceFolder, 'package_routines')),
    fileMember('./qinstall.sh', installer, 0o755),
  ]
  const packed = await collect(gzip(writeTar(members)))
  return await collect(writeTar([fileMember('control.tar.gz', packed)]))
}

async function writeData(path: string, tree: SourceTree): Promise<{ sizeBytes: number; md5: string }> {
  await writeParts(path, [gzip(writeTar(tree.sorted()))])
  // The header of a package copies whole blocks: padded, it copies nothing of what follows.
  const handle = await open(path, 'r+')
  try {
    const { size } = await handle.stat()
    await handle.truncate(Math.ceil(size / ddBlockBytes) * ddBlockBytes)
  } finally {
    await handle.close()
  }
  const hash = createHash('md5')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return { sizeBytes: statSync(path).size, md5: hash.digest('hex') }
}

async function writeParts(
  path: string,
  parts: (Uint8Array | AsyncIterable<Uint8Array>)[],
): Promise<{ sizeBytes: number; md5: string }> {
  const hash = createHash('md5')
  let sizeBytes = 0
  const handle = await open(path, 'w', 0o644)
  try {
    for (const part of parts) {
      for await (const chunk of part instanceof Uint8Array ? [part] : part) {
        hash.update(chunk)
        sizeBytes += chunk.length
        await handle.writeFile(chunk)
      }
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { sizeBytes, md5: hash.digest('hex') }
}
