// What a program or library of ELF says it needs (System V gABI, "Dynamic Section"; 64 bit, little-endian).
import { readFileSync } from 'node:fs'
import { Failure } from '../../shared/failure.ts'

export interface ElfFile {
  /** Names of the libraries it cannot be loaded without: DT_NEEDED. */
  needed: string[]
  /** The loader it asks for: PT_INTERP. Libraries have none. */
  interpreter: string | undefined
}

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 }
const tags = { end: 0, needed: 1, stringTable: 5 }

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length > 64 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

/** Fails `invalid` for a file that is no ELF of 64 bit, little-endian. */
export function readElf(path: string): ElfFile {
  const bytes = readFileSync(path)
  if (!isElf(bytes) || bytes[4] !== 2 || bytes[5] !== 1) throw new Failure('invalid', `${path}: is no 64-bit ELF file`)
  const at = (offset: number) => Number(bytes.readBigUInt64LE(offset))
  const textAt = (offset: number) => bytes.toString('latin1', offset, bytes.indexOf(0, offset))

  const segments = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const head = at(32) + i * bytes.readUInt16LE(54)
    return {
      type: bytes.readUInt32LE(head),
      offset: at(head + 8),
      address: at(head + 16),
      sizeBytes: at(head + 32),
    }
  })
  const place = (address: number): number => {
    const holder = segments.find(
      ({ type, address: start, sizeBytes }) =>
        type === segmentTypes.load && address >= start && address < start + sizeBytes,
    )
    if (holder === undefined) throw new Failure('corrupt', `${path}: address ${address} is in no segment`)
    return holder.offset + address - holder.address
  }

  const interpreter = segments.find(({ type }) => type === segmentTypes.interpreter)
  const dynamic = segments.find(({ type }) => type === segmentTypes.dynamic)
  const names: number[] = []
  let strings = 0
  for (let entry = dynamic?.offset ?? 0; dynamic !== undefined && at(entry) !== tags.end; entry += 16) {
    if (at(entry) === tags.needed) names.push(at(entry + 8))
    if (at(entry) === tags.stringTable) strings = place(at(entry + 8))
  }
  return {
    needed: names.map((name) => textAt(strings + name)),
    interpreter: interpreter && textAt(interpreter.offset),
  }
}
