// The script a package begins with: filled in by the packer, and read again from any package.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** dd copies blocks of so many bytes; both archives begin at a multiple. */
export const ddBlockBytes = 1024
const noSum = '0'.repeat(32)
const headerEnd = 'exit 1\n'

export interface HeaderValues {
  name: string
  version: string
  /** What `uname -m` must say; '' for any machine. */
  machine: string
  /** Lengths in bytes, multiples of 1024. */
  controlBytes: number
  dataBytes: number
  /** MD5 in hex. */
  controlMd5: string
  dataMd5: string
}

/** The header of our packages: a multiple of 1024 bytes long, with a sum over itself. */
export function writeHeader(values: HeaderValues): Buffer {
  const template = readFileSync(join(import.meta.dirname, 'header.sh'), 'utf8')
  const filled = template
    .replaceAll('@NAME@', values.name)
    .replaceAll('@VERSION@', values.version)
    .replaceAll('@MACHINE@', values.machine)
    .replaceAll('@CONTROL_BYTES@', String(values.controlBytes))
    .replaceAll('@CONTROL_BLOCKS@', String(values.controlBytes / ddBlockBytes))
    .replaceAll('@CONTROL_MD5@', values.controlMd5)
    .replaceAll('@DATA_BYTES@', String(values.dataBytes))
    .replaceAll('@DATA_BLOCKS@', String(values.dataBytes / ddBlockBytes))
    .replaceAll('@DATA_MD5@', values.dataMd5)
    .replaceAll('@HEADER_MD5@', noSum)
  const withLength = (lengthBytes: number) => filled.replaceAll('@SCRIPT_LEN@', String(lengthBytes))
  let lengthBytes = ddBlockBytes
  const shortest = (length: number) => Buffer.byteLength(withLength(length).replace('@PADDING@', ''))
  while (shortest(lengthBytes) > lengthBytes) lengthBytes += ddBlockBytes
  const unsealed = withLength(lengthBytes).replace('@PADDING@', '\n'.repeat(lengthBytes - shortest(lengthBytes)))
  return sealHeader(Buffer.from(unsealed))
}

const sealPattern = /^(# header_md5=)([0-9a-f]{32})$/m

/** Puts a header's sum into it: the MD5 of the script with zeros in the sum's place. */
export function sealHeader(header: Buffer): Buffer {
  const text = header.toString('latin1').replace(sealPattern, `$1${noSum}`)
  const sum = createHash('md5').update(text, 'latin1').digest('hex')
  return Buffer.from(text.replace(sealPattern, `$1${sum}`), 'latin1')
}

/** What a header says of the package. Undefined where it does not say so. */
export interface HeaderFacts {
  scriptBytes: number | undefined
  controlBytes: number | undefined
  dataBytes: number | undefined
  extraBytes: number | undefined
  /** How many blocks of 1024 bytes its dd copies. */
  dataBlocks: number | undefined
  /** `data.tar.gz` and the like: tells the compressor. */
  dataName: string | undefined
  controlMd5: string | undefined
  dataMd5: string | undefined
}

/** Reads the numbers out of a header, QDK's or ours. */
export function parseHeader(text: string): HeaderFacts {
  const number = (match: RegExpExecArray | undefined | null) => (match ? Number(match[1]) : undefined)
  const steps = [...text.matchAll(/^\s*offset=.*\$\{?offset\}?"?\s*\+\s*(\d{1,15})\b/gm)]
  const dd = /\bdd\b.*\bbs=1024\b.*\bcount=(\d{1,12})\b.*\bof="?\S*?(data\.tar(?:\.[a-z0-9]+)?)\b/.exec(text)
  return {
    scriptBytes: number(/^\s*script_len=(\d{1,9})\b/m.exec(text)),
    controlBytes: number(/^\s*offset=.*\$\{?script_len\}?"?\s*\+\s*(\d{1,12})\b/m.exec(text)),
    dataBytes: number(steps[0]),
    extraBytes: number(steps[1]),
    dataBlocks: number(dd),
    dataName: dd?.[2],
    controlMd5: /^control_md5=([0-9a-f]{32})$/m.exec(text)?.[1],
    dataMd5: /^data_md5=([0-9a-f]{32})$/m.exec(text)?.[1],
  }
}

/** What is wrong with a header's bytes themselves; undefined where nothing is. */
export function headerFinding(header: Buffer): string | undefined {
  const text = header.toString('latin1')
  if (!text.endsWith(headerEnd)) return `the script does not end in "exit 1" at byte ${header.length}`
  if (text.includes('header_md5') || text.includes('control_md5')) {
    if (!sealPattern.test(text)) return 'the script has lost the line with its own sum'
    if (!sealHeader(header).equals(header)) return 'the sum of the script is wrong: a byte of it was changed'
  }
  return undefined
}
