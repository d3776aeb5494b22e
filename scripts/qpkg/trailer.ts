// The 100 bytes that end a package: ASCII, each field filled up with spaces.
import { Failure } from '../../shared/failure.ts'

export const trailerBytes = 100
export const mostNameBytes = 20
export const mostVersionBytes = 10
export const packageFlag = 'QNAPQPKG'
export const fixFlag = 'QNAPQFIX'

/** The fields in their order, with their lengths in bytes. */
export const trailerFields = [
  ['model', 10],
  ['reserved', 10],
  ['tmp', 10],
  ['auth_encrypt', 10],
  ['encrypt', 10],
  ['fw_version', 10],
  ['name', mostNameBytes],
  ['version', mostVersionBytes],
  ['flag', 10],
] as const

export type TrailerField = (typeof trailerFields)[number][0]

/** Fields that no packer fills. */
export const blankFields: readonly TrailerField[] = ['model', 'reserved', 'tmp', 'auth_encrypt', 'fw_version']

/** The number that vouches for a package's size, the trailer included: the first ten digits of `3589 × size + 10⁹`. */
export function encryptNumber(fileBytes: number): string {
  return String(fileBytes * 3589 + 1_000_000_000).slice(0, 10)
}

/** Fails `limit` where name or version is too long for its field: cut, two packages could pass for one. */
export function writeTrailer(name: string, version: string, fileBytes: number): Buffer {
  const values: Partial<Record<TrailerField, string>> = {
    encrypt: encryptNumber(fileBytes),
    name: fitting('QPKG_NAME', name, mostNameBytes),
    version: fitting('QPKG_VER', version, mostVersionBytes),
    flag: packageFlag,
  }
  return Buffer.from(trailerFields.map(([field, length]) => (values[field] ?? '').padEnd(length)).join(''), 'latin1')
}

function fitting(field: string, text: string, mostBytes: number): string {
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes <= mostBytes) return text
  throw new Failure('limit', `${field}: ${JSON.stringify(text)} has ${sizeBytes} bytes, the most is ${mostBytes}`, {
    field,
  })
}

/** The fields as they stand there, spaces and all. */
export function readTrailer(bytes: Buffer): Record<TrailerField, string> {
  let at = 0
  const pairs = trailerFields.map(([field, length]) => {
    const text = bytes.toString('latin1', at, at + length)
    at += length
    return [field, text]
  })
  return Object.fromEntries(pairs) as Record<TrailerField, string>
}
