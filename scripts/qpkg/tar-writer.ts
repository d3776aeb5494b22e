// Writes tar archives whose bytes depend on names and contents alone: owner 0, time 0, modes from a rule.
import { Failure } from '../../shared/failure.ts'

export const tarBlockBytes = 512
/** GNU tar writes whole records; the layout of a package counts on it. */
const recordBytes = 20 * tarBlockBytes
/** Eleven octal digits. */
const mostFileBytes = 8 ** 11 - 1
const mostNameBytes = 100

export interface TarMember {
  /** Path within the archive, as it shall be written: `./`, `./shared/`, `./qpkg.cfg`. */
  name: string
  kind: 'folder' | 'file' | 'link'
  /** Permission bits, such as 0o755. */
  mode: number
  /** Bytes of a file; 0 for what has no content. At most 8 GiB - 1. */
  sizeBytes: number
  /** What a link points to. */
  target?: string
  /** Opens the content: exactly `sizeBytes` bytes. */
  open?: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const typeFlags = { file: '0', link: '2', folder: '5', longTarget: 'K', longName: 'L' }

/** A file whose bytes are at hand. */
export function fileMember(name: string, bytes: Uint8Array, mode = 0o644): TarMember {
  return { name, kind: 'file', mode, sizeBytes: bytes.length, open: () => [bytes] }
}

export function folderMember(name: string): TarMember {
  return { name, kind: 'folder', mode: 0o755, sizeBytes: 0 }
}

/**
 * The archive's bytes, in GNU's format, a multiple of 10240 long.
 *
 * Names over 100 bytes are told by GNU's `L` and `K` members, which busybox reads too. Fails `limit` on a file of 8 GiB
 * or more, `conflict` where a file has another length than was said.
 */
export async function* writeTar(members: Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  let writtenBytes = 0
  for (const member of members) {
    for await (const chunk of memberBytes(member)) {
      writtenBytes += chunk.length
      yield chunk
    }
  }
  const endBytes = 2 * tarBlockBytes
  const sizeBytes = Math.ceil((writtenBytes + endBytes) / recordBytes) * recordBytes
  yield Buffer.alloc(sizeBytes - writtenBytes)
}

async function* memberBytes(member: TarMember): AsyncGenerator<Uint8Array> {
  if (member.sizeBytes > mostFileBytes) {
    throw new Failure(
      'limit',
      `write ${member.name} into an archive: it has ${member.sizeBytes} bytes, the most is 8 GiB`,
    )
  }
  const target = member.target ?? ''
  if (Buffer.byteLength(target) > mostNameBytes) yield* longText(typeFlags.longTarget, target)
  if (Buffer.byteLength(member.name) > mostNameBytes) yield* longText(typeFlags.longName, member.name)
  yield tarHeader(member.name, typeFlags[member.kind], member.mode, member.sizeBytes, target)
  let contentBytes = 0
  for await (const chunk of member.open?.() ?? []) {
    contentBytes += chunk.length
    yield chunk
  }
  if (contentBytes !== member.sizeBytes) {
    throw new Failure('conflict', `write ${member.name} into an archive: ${contentBytes} bytes of ${member.sizeBytes}`)
  }
  yield padding(contentBytes)
}

function* longText(typeFlag: string, text: string): Generator<Uint8Array> {
  const bytes = Buffer.from(`${text}\0`)
  yield tarHeader('././@LongLink', typeFlag, 0o644, bytes.length, '')
  yield bytes
  yield padding(bytes.length)
}

function padding(sizeBytes: number): Uint8Array {
  return Buffer.alloc((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes)
}

function tarHeader(name: string, typeFlag: string, mode: number, sizeBytes: number, target: string): Uint8Array {
  const block = Buffer.alloc(tarBlockBytes)
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')
  Buffer.from(name).copy(block, 0, 0, mostNameBytes)
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108) // uid
  block.write(octal(0, 7), 116) // gid
  block.write(octal(sizeBytes, 11), 124)
  block.write(octal(0, 11), 136) // mtime
  block.write('        ', 148) // the sum counts itself as spaces
  block.write(typeFlag, 156)
  Buffer.from(target).copy(block, 157, 0, mostNameBytes)
  block.write('ustar  ', 257) // GNU's magic: two spaces and the NUL that is there
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148)
  return block
}
