// Packs JPEG pictures as RFC 2435.
import type { RawVideo } from './clip-cache.ts'
import { FramePacker, RTP_PAYLOAD_BYTES, type RtpClip, type RtpFrame } from './rtp-clip.ts'

const PAYLOAD_TYPE = 26
const CLOCK_RATE = 90_000
/** The quantization tables travel in each picture's first packet (RFC 2435 4.2). */
const Q_TABLES_IN_BAND = 255

/** What RFC 2435 keeps of a baseline JPEG picture. */
interface JpegParts {
  widthPx: number
  heightPx: number
  /** 0 for 4:2:2, 1 for 4:2:0 (RFC 2435 4.1). */
  type: number
  /** Luminance, then chrominance: 64 bytes each, in zigzag order. */
  tables: Buffer
  /** The entropy-coded bytes after the scan header, without the end marker. */
  scan: Buffer
}

/** The clip as RTP. The format has no room for the mark of `frame-sei.ts`: its pictures carry the block code alone. */
export function packJpeg(raw: RawVideo): RtpClip {
  return {
    media: 'video',
    payloadType: PAYLOAD_TYPE,
    clockRate: CLOCK_RATE,
    rtpmap: `JPEG/${CLOCK_RATE}`,
    fmtp: undefined,
    frameTicks: CLOCK_RATE / raw.recipe.fps,
    leadTicks: 0,
    frames: raw.frames.map((picture) => packPicture(parseJpeg(picture))),
    widthPx: raw.recipe.widthPx,
    heightPx: raw.recipe.heightPx,
  }
}

function packPicture(jpeg: JpegParts): RtpFrame {
  const packer = new FramePacker(PAYLOAD_TYPE)
  const tableHeader = Buffer.from([0, 0, jpeg.tables.length >> 8, jpeg.tables.length & 0xff])
  let at = 0
  while (at < jpeg.scan.length) {
    const main = Buffer.alloc(8)
    main.writeUInt32BE(at, 0) // the type-specific byte is 0, the fragment offset has 24 bits
    main[4] = jpeg.type
    main[5] = Q_TABLES_IN_BAND
    main[6] = jpeg.widthPx / 8
    main[7] = jpeg.heightPx / 8
    const heads = at === 0 ? [main, tableHeader, jpeg.tables] : [main]
    const room = RTP_PAYLOAD_BYTES - heads.reduce((sum, head) => sum + head.length, 0)
    const piece = jpeg.scan.subarray(at, at + room)
    at += piece.length
    packer.add([...heads, piece], at >= jpeg.scan.length)
  }
  return packer.finish(true)
}

/** Reads the marker segments (ITU-T T.81 annex B) of a baseline picture with standard Huffman tables. */
function parseJpeg(picture: Buffer): JpegParts {
  const tables = new Map<number, Buffer>()
  let frame: Buffer | undefined
  let at = 2
  for (;;) {
    const marker = picture[at + 1]!
    const sizeBytes = picture.readUInt16BE(at + 2)
    const body = picture.subarray(at + 4, at + 2 + sizeBytes)
    at += 2 + sizeBytes
    if (marker === 0xdb) {
      for (let i = 0; i < body.length; i += 65) tables.set(body[i]! & 0x0f, body.subarray(i + 1, i + 65))
    } else if (marker === 0xc0) {
      frame = body
    } else if (marker === 0xda) {
      break
    }
  }
  if (!frame) throw new Error('pack JPEG: the picture has no baseline frame header')
  const end = picture.lastIndexOf(Buffer.from([0xff, 0xd9]))
  return {
    heightPx: frame.readUInt16BE(1),
    widthPx: frame.readUInt16BE(3),
    type: frame[7] === 0x22 ? 1 : 0,
    tables: Buffer.concat([tables.get(frame[8]!)!, tables.get(frame[11]!)!]),
    scan: picture.subarray(at, end),
  }
}
