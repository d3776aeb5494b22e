// CRC-32 of ISO 3309, as Ethernet and zlib have it. Of what is recorded every byte passes here, so the library that uses the
// processor's carry-less multiplication is taken (12 GB/s), and zlib (5 GB/s) where it has no build for this machine.
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'

type Crc32 = (bytes: Uint8Array | string, crc?: number) => number

function fastest(): Crc32 {
  try {
    return (createRequire(import.meta.url)('@node-rs/crc32') as { crc32: Crc32 }).crc32
  } catch {
    return zlib.crc32
  }
}

/** The CRC of `bytes` (of its UTF-8 where it is text), 0 to 2^32 − 1, going on from `crc` of what came before them (0 at the start). */
export const crc32: Crc32 = fastest()
