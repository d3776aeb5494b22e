import assert from 'node:assert/strict'
import fc from 'fast-check'
import { jpegHeader, parseJpegSize } from '../../../server/media/jpeg.ts'
import { Failure } from '../../../shared/failure.ts'
import { ffmpeg, TempFolder } from './ffmpeg.ts'

const computed = { restartInterval: 0, quantTables: undefined, quantPrecision: 0 }

/** The body of each segment with this marker, and what follows the first SOS. */
function takeApart(jpeg: Uint8Array): { tables: Uint8Array; scan: Uint8Array } {
  const tables: number[] = []
  for (let at = 2; ; ) {
    const size = jpeg[at + 2]! * 256 + jpeg[at + 3]!
    if (jpeg[at + 1] === 0xdb) {
      // One segment may hold several tables, each after a byte of precision and number.
      for (let table = at + 4; table < at + 2 + size; table += 65) tables.push(...jpeg.subarray(table + 1, table + 65))
    }
    at += 2 + size
    if (jpeg[at - 2 - size + 1] === 0xda) return { tables: Uint8Array.from(tables), scan: jpeg.subarray(at) }
  }
}

describe('JPEG', () => {
  it('builds from in-packet tables a header that decodes to the same picture', () => {
    const folder = new TempFolder()
    try {
      const original = ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=size=320x240', '-frames:v', '1', '-pix_fmt', 'yuvj420p', '-q:v', '3'],
        ...['-huffman', 'default', '-f', 'mjpeg', '-'],
      )
      const { tables, scan } = takeApart(original)

      const header = jpegHeader({
        type: 1,
        q: 255,
        widthPx: 320,
        heightPx: 240,
        restartInterval: 0,
        quantTables: tables,
        quantPrecision: 0,
      })

      const rebuilt = folder.file('rebuilt.jpg', Buffer.concat([header, scan]))
      const pixels = (path: string): Buffer => ffmpeg('-i', path, '-pix_fmt', 'yuvj420p', '-f', 'rawvideo', '-')
      assert.ok(pixels(rebuilt).equals(pixels(folder.file('original.jpg', original))))
      assert.deepEqual(parseJpegSize(header), { widthPx: 320, heightPx: 240 })
      assert.deepEqual(parseJpegSize(original), { widthPx: 320, heightPx: 240 })
    } finally {
      folder.remove()
    }
  })

  it('writes the frame header as ITU-T T.81 §B.2.2 lists it', () => {
    const header = [...jpegHeader({ type: 0, q: 50, widthPx: 640, heightPx: 480, ...computed })]

    assert.deepEqual(header.slice(0, 2), [0xff, 0xd8]) // SOI
    assert.deepEqual(header.slice(2 + 2 * 69, 2 + 2 * 69 + 19), [
      ...[0xff, 0xc0], // SOF0
      ...[0, 17], // Lf
      8, // P
      ...[480 >> 8, 480 & 0xff], // Y
      ...[640 >> 8, 640 & 0xff], // X
      3, // Nf
      ...[0, 0x21, 0], // C, H and V, Tq: luma of 4:2:2
      ...[1, 0x11, 1],
      ...[2, 0x11, 1],
    ])
    assert.deepEqual(header.slice(-14), [
      ...[0xff, 0xda], // SOS
      ...[0, 12], // Ls
      3, // Ns
      ...[0, 0x00], // Cs, Td and Ta
      ...[1, 0x11],
      ...[2, 0x11],
      ...[0, 63, 0], // Ss, Se, Ah and Al
    ])
  })

  it('computes quantisers from Q as RFC 2435 appendix A does', () => {
    const luma = (q: number): number[] => [
      ...jpegHeader({ type: 1, q, widthPx: 8, heightPx: 8, ...computed }).subarray(7, 15),
    ]

    // The first eight of the table in zig-zag order, times 5000 / Q or 200 − 2 Q percent.
    assert.deepEqual(luma(50), [16, 11, 12, 14, 12, 10, 16, 14])
    assert.deepEqual(luma(25), [32, 22, 24, 28, 24, 20, 32, 28])
    assert.deepEqual(luma(75), [8, 6, 6, 7, 6, 5, 8, 7])
    assert.deepEqual(luma(1), [255, 255, 255, 255, 255, 255, 255, 255])
    assert.deepEqual(luma(99), [1, 1, 1, 1, 1, 1, 1, 1])
  })

  it('writes restart intervals and 16-bit tables', () => {
    const header = jpegHeader({
      type: 65,
      q: 128,
      widthPx: 16,
      heightPx: 16,
      restartInterval: 0x0102,
      quantTables: new Uint8Array(64 + 128).fill(1),
      quantPrecision: 2,
    })

    assert.deepEqual([...header.subarray(2, 7)], [0xff, 0xdb, 0, 67, 0])
    assert.deepEqual([...header.subarray(71, 76)], [0xff, 0xdb, 0, 131, 0x11])
    assert.deepEqual([...header.subarray(204, 210)], [0xff, 0xdd, 0, 4, 1, 2])
  })

  it('uses one table for both where one was sent', () => {
    const quantTables = Uint8Array.from({ length: 64 }, (_, i) => i + 1)

    const header = jpegHeader({
      type: 0,
      q: 255,
      widthPx: 8,
      heightPx: 8,
      restartInterval: 0,
      quantTables,
      quantPrecision: 0,
    })

    assert.deepEqual(header.subarray(7, 71), quantTables)
    assert.deepEqual(header.subarray(76, 140), quantTables)
  })

  it('refuses what RFC 2435 reserves', () => {
    const build = (change: object) => () =>
      jpegHeader({ type: 1, q: 50, widthPx: 8, heightPx: 8, ...computed, ...change })

    assert.throws(build({ type: 2 }), /type 2/)
    assert.throws(build({ type: 129 }), /type 129/)
    assert.throws(build({ q: 0 }), /Q 0/)
    assert.throws(build({ q: 255 }), /Q 255 without tables/)
    assert.throws(build({ widthPx: 0 }), /picture of 0/)
    assert.throws(build({ quantTables: new Uint8Array(63) }), /tables of 63 bytes/)
  })

  it('finds no size in garbage, and throws nothing else', () => {
    assert.throws(() => parseJpegSize(Uint8Array.of(1, 2)), /no start of image/)
    assert.throws(() => parseJpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2)), /no frame header/)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0xff, 0xc0, 0xc4, 0xd0, 0, 1, 2, 17), { maxLength: 60 }), (bytes) => {
        try {
          parseJpegSize(Uint8Array.of(0xff, 0xd8, ...bytes))
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })
})
