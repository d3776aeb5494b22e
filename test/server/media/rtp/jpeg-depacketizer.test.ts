import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { jpegHeader, parseJpegSize } from '../../../../server/media/jpeg.ts'
import { JpegDepacketizer } from '../../../../server/media/rtp/jpeg-depacketizer.ts'
import { FrameCollector, hex, text } from './frame-collector.ts'

/** The main JPEG header (RFC 2435 §3.1): type-specific, offset (24 bits), type, Q, width and height in 8 pixels. */
function mainHeader(offset: number, q: number, type = 1, widthPx = 64, heightPx = 48): number[] {
  return [0, offset >> 16, (offset >> 8) & 0xff, offset & 0xff, type, q, widthPx / 8, heightPx / 8]
}

/** The quantization table header (RFC 2435 §3.1.8): MBZ, precision, length. */
function tableHeader(tables: Uint8Array): number[] {
  return [0, 0, tables.length >> 8, tables.length & 0xff, ...tables]
}

const tables = Uint8Array.from({ length: 128 }, (_, i) => (i % 60) + 1)
const scan = hex('fe8a2800a28a0028a28a')

describe('JPEG depacketizer', () => {
  let frames: FrameCollector
  let depacketizer: JpegDepacketizer

  beforeEach(() => {
    frames = new FrameCollector()
    depacketizer = new JpegDepacketizer(frames)
  })

  const deliver = (payload: number[], ticks: number, more: { marker?: boolean; loss?: boolean } = {}) =>
    frames.deliver(depacketizer, Uint8Array.from(payload), { ticks, ...more })

  const picture = (q: number, quantTables: Uint8Array | undefined, body: Uint8Array, restartInterval = 0) =>
    text(
      jpegHeader({
        type: restartInterval > 0 ? 65 : 1,
        q,
        widthPx: 64,
        heightPx: 48,
        restartInterval,
        quantTables,
        quantPrecision: 0,
      }),
    ) +
    text(body) +
    'ffd9'

  it('makes a picture of fragments with tables sent along (RFC 2435 §4.2)', () => {
    deliver([...mainHeader(0, 255), ...tableHeader(tables), ...scan.subarray(0, 4)], 0)
    deliver([...mainHeader(4, 255), ...scan.subarray(4)], 0, { marker: true })

    assert.deepEqual(frames.frames, [{ ticks: 0, isKey: true, mayBeKey: true, data: picture(255, tables, scan) }])
    assert.deepEqual([depacketizer.widthPx, depacketizer.heightPx], [64, 48])
  })

  it('computes the tables of a Q below 100', () => {
    deliver([...mainHeader(0, 50), ...scan], 0, { marker: true })

    assert.equal(frames.frames[0]?.data, picture(50, undefined, scan))
  })

  it('uses the tables sent once for a Q of 128 to 254 where later pictures send none (RFC 2435 §4.2)', () => {
    deliver([...mainHeader(0, 200), ...tableHeader(tables), ...scan], 0, { marker: true })
    deliver([...mainHeader(0, 200), ...tableHeader(new Uint8Array(0)), ...scan], 9000, { marker: true })

    assert.deepEqual(
      frames.frames.map(({ data }) => data),
      [picture(200, tables, scan), picture(200, tables, scan)],
    )
  })

  it('keeps restart markers (RFC 2435 §3.1.7)', () => {
    // Restart interval 6, F and L set, count 0x3fff.
    deliver([...mainHeader(0, 80, 65), 0, 6, 0xff, 0xff, ...scan], 0, { marker: true })

    assert.equal(frames.frames[0]?.data, picture(80, undefined, scan, 6))
  })

  it('adds no second end where the camera sent one', () => {
    deliver([...mainHeader(0, 50), ...scan, 0xff, 0xd9], 0, { marker: true })

    assert.equal(frames.frames[0]?.data, picture(50, undefined, scan))
  })

  it('drops a picture with a hole, and takes the next whole', () => {
    deliver([...mainHeader(0, 50), ...scan.subarray(0, 4)], 0)
    deliver([...mainHeader(8, 50), ...scan.subarray(8)], 0, { loss: true, marker: true })
    deliver([...mainHeader(4, 50), ...scan.subarray(4)], 9000, { marker: true, loss: true })
    deliver([...mainHeader(0, 50), ...scan], 18_000, { marker: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ ticks }) => ticks),
      [18_000],
    )
  })

  it('drops a picture whose end was lost', () => {
    deliver([...mainHeader(0, 50), ...scan.subarray(0, 4)], 0)
    deliver([...mainHeader(0, 50), ...scan], 9000, { marker: true, loss: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.equal(frames.frames.length, 1)
  })

  it('gives up a picture larger than is taken', () => {
    frames = new FrameCollector(1000)
    depacketizer = new JpegDepacketizer(frames)
    deliver([...mainHeader(0, 50), ...new Uint8Array(600)], 0)
    deliver([...mainHeader(600, 50), ...new Uint8Array(600)], 0, { marker: true })
    deliver([...mainHeader(0, 50), ...scan], 9000, { marker: true })

    assert.equal(frames.abandoned.length, 1)
    assert.equal(frames.frames.length, 1)
  })

  it('gives a picture that another decoder reads', () => {
    const jpeg = execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48', '-frames:v', '1', '-pix_fmt', 'yuvj420p'],
      ...['-c:v', 'mjpeg', '-huffman', 'default', '-q:v', '5', '-f', 'image2pipe', '-'],
    ])
    const table = jpeg.indexOf(Buffer.from([0xff, 0xdb]))
    const luma = jpeg.subarray(table + 5, table + 69)
    const start = jpeg.indexOf(Buffer.from([0xff, 0xda]))
    const coded = jpeg.subarray(start + 2 + jpeg.readUInt16BE(start + 2), -2)
    const half = Math.floor(coded.length / 2)

    deliver([...mainHeader(0, 255), ...tableHeader(Buffer.concat([luma, luma])), ...coded.subarray(0, half)], 0)
    deliver([...mainHeader(half, 255), ...coded.subarray(half)], 0, { marker: true })

    const made = Buffer.from(frames.frames[0]!.data, 'hex')
    assert.deepEqual(parseJpegSize(made), { widthPx: 64, heightPx: 48 })
    const raw = (input: Buffer) =>
      execFileSync('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], {
        input,
      })
    assert.deepEqual(raw(made), raw(jpeg))
  })
})
