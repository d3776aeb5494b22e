/** JPEG: the headers that RTP leaves out (RFC 2435), and the size of a picture (ITU-T T.81). */

import { Failure } from '../../shared/failure.ts'

/** What an RTP/JPEG packet says of its picture (RFC 2435 §3.1). */
export interface RtpJpegHeader {
  /** 0 is 4:2:2, 1 is 4:2:0; 64 more where restart markers are in use. */
  type: number
  /** 1 to 99 for tables to be computed, 128 to 255 for tables sent along. */
  q: number
  widthPx: number
  heightPx: number
  /** MCUs between restart markers; 0 without. */
  restartInterval: number
  /** Bytes of the tables sent along: 64 each at 8 bits, 128 at 16, luma then chroma. Undefined where they are computed. */
  quantTables: Uint8Array | undefined
  /** Bit n set: table n has 16-bit entries. */
  quantPrecision: number
}

/**
 * Builds all of a JPEG file that comes before the scan's data: SOI to SOS (RFC 2435 appendix B).
 *
 * Throws `corrupt` for a type or Q that RFC 2435 reserves, tables that are too short, and sizes of 0.
 */
export function jpegHeader(header: RtpJpegHeader): Uint8Array {
  const { widthPx, heightPx, restartInterval } = header
  const sampling = header.type & 0x3f
  if (sampling > 1 || header.type > 127) throw new Failure('corrupt', `read RTP/JPEG: type ${header.type}`)
  if (widthPx < 1 || heightPx < 1 || widthPx > 0xffff || heightPx > 0xffff) {
    throw new Failure('corrupt', `read RTP/JPEG: picture of ${widthPx} × ${heightPx}`)
  }
  const out: number[] = [0xff, 0xd8] // SOI
  pushQuantTables(out, header)
  if (restartInterval > 0) out.push(0xff, 0xdd, 0, 4, restartInterval >> 8, restartInterval & 0xff) // DRI
  out.push(0xff, 0xc0) // SOF0
  out.push(0, 17, 8) // length, bits a sample
  out.push(heightPx >> 8, heightPx & 0xff, widthPx >> 8, widthPx & 0xff)
  out.push(3) // components
  out.push(0, sampling === 0 ? 0x21 : 0x22, 0) // luma: 2 × 1 or 2 × 2 blocks, table 0
  out.push(1, 0x11, 1, 2, 0x11, 1) // chroma: table 1
  pushHuffmanTable(out, 0x00, lumaDcLengths, dcSymbols)
  pushHuffmanTable(out, 0x10, lumaAcLengths, lumaAcSymbols)
  pushHuffmanTable(out, 0x01, chromaDcLengths, dcSymbols)
  pushHuffmanTable(out, 0x11, chromaAcLengths, chromaAcSymbols)
  out.push(0xff, 0xda, 0, 12, 3) // SOS: length, components
  out.push(0, 0x00, 1, 0x11, 2, 0x11) // component, its DC and AC tables
  out.push(0, 63, 0) // spectral selection, successive approximation
  return Uint8Array.from(out)
}

function pushQuantTables(out: number[], { q, quantTables, quantPrecision }: RtpJpegHeader): void {
  if (!quantTables) {
    if (q < 1 || q > 99) throw new Failure('corrupt', `read RTP/JPEG: Q ${q} without tables`)
    for (const [id, table] of [lumaQuantizer, chromaQuantizer].entries()) {
      out.push(0xff, 0xdb, 0, 67, id, ...scaledTable(table, q)) // DQT
    }
    return
  }
  // One table serves luma and chroma where only one was sent.
  let offset = 0
  let start = 0
  for (let id = 0; id < 2; id++) {
    const isWide = ((quantPrecision >> id) & 1) === 1
    const size = isWide ? 128 : 64
    if (offset + size <= quantTables.length) {
      start = offset
      offset += size
    } else if (id === 0 || size !== offset) {
      throw new Failure('corrupt', `read RTP/JPEG: quantisation tables of ${quantTables.length} bytes`)
    }
    out.push(0xff, 0xdb, 0, 3 + size, (isWide ? 0x10 : 0) | id, ...quantTables.subarray(start, start + size)) // DQT
  }
}

/** Tables of Q 1 to 99, by the formula of RFC 2435 §4.2 and appendix A. */
function scaledTable(table: readonly number[], q: number): number[] {
  const factor = q < 50 ? Math.floor(5000 / q) : 200 - q * 2
  return table.map((value) => Math.min(255, Math.max(1, Math.floor((value * factor + 50) / 100))))
}

function pushHuffmanTable(out: number[], id: number, lengths: readonly number[], symbols: readonly number[]): void {
  const size = 3 + lengths.length + symbols.length
  out.push(0xff, 0xc4, size >> 8, size & 0xff, id, ...lengths, ...symbols) // DHT
}

/**
 * Reads the size of a JPEG picture from its frame header (SOF, ITU-T T.81 §B.2.2).
 *
 * Throws `corrupt` where `bytes` is no JPEG, or ends or begins its scan without one.
 */
export function parseJpegSize(bytes: Uint8Array): { widthPx: number; heightPx: number } {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Failure('corrupt', 'read JPEG: no start of image')
  let offset = 2
  while (offset + 4 <= bytes.length) {
    if (bytes[offset] !== 0xff) throw new Failure('corrupt', `read JPEG: no marker at byte ${offset}`)
    const marker = bytes[offset + 1]!
    if (marker === 0xff) {
      offset++ // fill byte, §B.1.1.2
      continue
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      offset += 2 // TEM and RSTn stand alone
      continue
    }
    if (marker === 0xd9 || marker === 0xda) break
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) {
      if (offset + 9 > bytes.length) break
      const heightPx = bytes[offset + 5]! * 256 + bytes[offset + 6]!
      const widthPx = bytes[offset + 7]! * 256 + bytes[offset + 8]!
      if (widthPx === 0 || heightPx === 0)
        throw new Failure('corrupt', `read JPEG: picture of ${widthPx} × ${heightPx}`)
      return { widthPx, heightPx }
    }
    offset += 2 + Math.max(2, bytes[offset + 2]! * 256 + bytes[offset + 3]!)
  }
  throw new Failure('corrupt', 'read JPEG: no frame header')
}

// The tables below are those of ITU-T T.81 annex K, in zig-zag order where they are quantisers, as RFC 2435 has them.

const lumaQuantizer = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
  60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121,
  112, 100, 120, 92, 101, 103, 99,
]

const chromaQuantizer = [
  17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
]

const dcSymbols = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
const lumaDcLengths = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
const chromaDcLengths = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
const lumaAcLengths = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d]
const chromaAcLengths = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77]

/** Symbols of the AC tables: run of zeros in the high half of a byte, size in the low one. */
const lumaAcSymbols = hexBytes(`
  01 02 03 00 04 11 05 12 21 31 41 06 13 51 61 07 22 71 14 32 81 91 a1 08 23 42 b1 c1 15 52 d1 f0 24 33 62 72 82 09 0a
  16 17 18 19 1a 25 26 27 28 29 2a 34 35 36 37 38 39 3a 43 44 45 46 47 48 49 4a 53 54 55 56 57 58 59 5a 63 64 65 66 67
  68 69 6a 73 74 75 76 77 78 79 7a 83 84 85 86 87 88 89 8a 92 93 94 95 96 97 98 99 9a a2 a3 a4 a5 a6 a7 a8 a9 aa b2 b3
  b4 b5 b6 b7 b8 b9 ba c2 c3 c4 c5 c6 c7 c8 c9 ca d2 d3 d4 d5 d6 d7 d8 d9 da e1 e2 e3 e4 e5 e6 e7 e8 e9 ea f1 f2 f3 f4
  f5 f6 f7 f8 f9 fa`)

const chromaAcSymbols = hexBytes(`
  00 01 02 03 11 04 05 21 31 06 12 41 51 07 61 71 13 22 32 81 08 14 42 91 a1 b1 c1 09 23 33 52 f0 15 62 72 d1 0a 16 24
  34 e1 25 f1 17 18 19 1a 26 27 28 29 2a 35 36 37 38 39 3a 43 44 45 46 47 48 49 4a 53 54 55 56 57 58 59 5a 63 64 65 66
  67 68 69 6a 73 74 75 76 77 78 79 7a 82 83 84 85 86 87 88 89 8a 92 93 94 95 96 97 98 99 9a a2 a3 a4 a5 a6 a7 a8 a9 aa
  b2 b3 b4 b5 b6 b7 b8 b9 ba c2 c3 c4 c5 c6 c7 c8 c9 ca d2 d3 d4 d5 d6 d7 d8 d9 da e2 e3 e4 e5 e6 e7 e8 e9 ea f2 f3 f4
  f5 f6 f7 f8 f9 fa`)

function hexBytes(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((pair) => Number.parseInt(pair, 16))
}
