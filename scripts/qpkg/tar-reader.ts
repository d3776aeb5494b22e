// Reads tar archives member by member: what any packer wrote, GNU's, POSIX's or our own.
import { Failure } from '../../shared/failure.ts'
import { tarBlockBytes } from './tar-writer.ts'

export interface ReadMember {
  name: string
  /** `file folder link`; other kinds by their type flag. */
  kind: string
  mode: number
  uid: number
  gid: number
  mtimeSec: number
  sizeBytes: number
  /** What a link points to; '' for what is no link. */
  target: string
  /** The content, where it was asked for. */
  data: Buffer | undefined
}

export interface TarReadOptions {
  /** Whether a file's content is kept in memory. */
  wants: (name: string) => boolean
}

const kinds: Record<string, string> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
}
const nameFlags = { longTarget: 'K', longName: 'L', pax: 'x', paxGlobal: 'g' }
const mostKeptBytes = 64 * 1024 ** 2

/**
 * Yields an archive's members in their order.
 *
 * Fails `corrupt` with the byte at fault: a wrong header sum, a name that leaves the archive's folder, content cut
 * short, an end without its two blocks of zeros, anything but zeros behind it.
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: TarReadOptions,
): AsyncGenerator<ReadMember> {
  const input = new ByteReader(chunks)
  let longName: string | undefined
  let longTarget: string | undefined
  for (;;) {
    const atByte = input.readBytes
    const block = await input.take(tarBlockBytes, 'the header of a member')
    if (block.every((byte) => byte === 0)) {
      await checkEnd(input)
      return
    }
    const header = parseHeader(block, atByte)
    if (Object.values(nameFlags).includes(header.typeFlag)) {
      const text = (await input.take(header.sizeBytes, 'a long name')).toString()
      await checkPadding(input, header.sizeBytes, header.name)
      if (header.typeFlag === nameFlags.longName) longName = text.replace(/\0.*$/s, '')
      if (header.typeFlag === nameFlags.longTarget) longTarget = text.replace(/\0.*$/s, '')
      if (header.typeFlag === nameFlags.pax) {
        longName = /^\d+ path=(.*)$/m.exec(text)?.[1] ?? longName
        longTarget = /^\d+ linkpath=(.*)$/m.exec(text)?.[1] ?? longTarget
      }
      continue
    }
    const name = longName ?? header.name
    const kind = kinds[header.typeFlag] ?? `type ${JSON.stringify(header.typeFlag)}`
    if (name === '' || name.startsWith('/') || name.split('/').includes('..')) {
      throw corrupt(atByte, `a member is called ${JSON.stringify(name)}`)
    }
    const isKept = kind === 'file' && options.wants(name) && header.sizeBytes <= mostKeptBytes
    const data = isKept ? await input.take(header.sizeBytes, name) : undefined
    if (!isKept) await input.skip(header.sizeBytes, name)
    await checkPadding(input, header.sizeBytes, name)
    yield { ...header, name, kind, target: longTarget ?? header.target, data }
    longName = undefined
    longTarget = undefined
  }
}

/** All members of a small archive, with their content. */
export async function listTar(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<ReadMember[]> {
  const members: ReadMember[] = []
  for await (const member of readTar(chunks, { wants: () => true })) members.push(member)
  return members
}

function corrupt(atByte: number, finding: string): Failure {
  return new Failure('corrupt', `byte ${atByte} of the archive: ${finding}`)
}

function parseHeader(block: Buffer, atByte: number) {
  const text = (start: number, length: number) => {
    const field = block.subarray(start, start + length)
    const end = field.indexOf(0)
    return field.subarray(0, end === -1 ? length : end).toString()
  }
  const octal = (start: number, length: number, what: string): number => {
    const digits = text(start, length).trim()
    if (!/^[0-7]*$/.test(digits)) throw corrupt(atByte, `${what} of a member is ${JSON.stringify(digits)}, not octal`)
    return digits === '' ? 0 : Number.parseInt(digits, 8)
  }
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (octal(148, 8, 'the sum') !== sum) throw corrupt(atByte, 'the sum of a member’s header is wrong')
  const isPosix = text(257, 6) === 'ustar'
  const prefix = isPosix ? text(345, 155) : ''
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    mode: octal(100, 8, 'the mode'),
    uid: octal(108, 8, 'the owner'),
    gid: octal(116, 8, 'the group'),
    sizeBytes: octal(124, 12, 'the size'),
    mtimeSec: octal(136, 12, 'the time'),
    typeFlag: String.fromCharCode(block[156]!),
    target: text(157, 100),
  }
}

async function checkPadding(input: ByteReader, sizeBytes: number, name: string): Promise<void> {
  const atByte = input.readBytes
  const rest = await input.take((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes, `the padding of ${name}`)
  if (rest.some((byte) => byte !== 0)) throw corrupt(atByte, `what pads ${name} is not zeros`)
}

async function checkEnd(input: ByteReader): Promise<void> {
  await input.take(tarBlockBytes, 'the second of the two empty blocks that end an archive')
  for (;;) {
    const atByte = input.readBytes
    const chunk = await input.next()
    if (chunk === undefined) return
    if (chunk.some((byte) => byte !== 0)) throw corrupt(atByte, 'something stands behind the end')
  }
}

/** Takes spans of given lengths from chunks of any. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  readBytes = 0

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  }

  /** What is left of the current chunk, or the next one; undefined at the end. */
  async next(mostBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next()
      if (done) return undefined
      this.#chunk = value
    }
    const part = this.#chunk.subarray(0, Math.min(mostBytes, this.#chunk.length))
    this.#chunk = this.#chunk.subarray(part.length)
    this.readBytes += part.length
    return part
  }

  async take(sizeBytes: number, what: string): Promise<Buffer> {
    const parts: Uint8Array[] = []
    await this.#walk(sizeBytes, what, (part) => parts.push(part))
    return Buffer.concat(parts)
  }

  async skip(sizeBytes: number, what: string): Promise<void> {
    await this.#walk(sizeBytes, what, () => {})
  }

  async #walk(sizeBytes: number, what: string, onPart: (part: Uint8Array) => void): Promise<void> {
    let leftBytes = sizeBytes
    while (leftBytes > 0) {
      const part = await this.next(leftBytes)
      if (part === undefined) throw corrupt(this.readBytes, `it ends ${leftBytes} bytes short, within ${what}`)
      leftBytes -= part.length
      onPart(part)
    }
  }
}
