import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DecodeOrder } from '../../../../server/media/rtp/decode-order.ts'

/** Presentation times in decoding order: groups of `depth` B-frames behind the frame they lean on. */
function reordered(frames: number, depth: number, stepTicks: number): number[] {
  const order: number[] = []
  order.push(0)
  for (let at = 1; at < frames; at += depth + 1) {
    order.push(at + depth)
    for (let i = 0; i < depth; i++) order.push(at + i)
  }
  return order.map((place) => place * stepTicks)
}

describe('decode order', () => {
  it('leaves times as they are where nothing is reordered', () => {
    const order = new DecodeOrder(0)

    assert.deepEqual(
      [0, 3600, 7200, 10_800].map((pts) => order.next(pts)),
      [0, 3600, 7200, 10_800],
    )
  })

  it('decodes a frame when the presentation before it is over', () => {
    const order = new DecodeOrder(1)

    // I0 P2 B1 P4 B3 P6 B5
    const times = [0, 7200, 3600, 14_400, 10_800, 21_600, 18_000].map((pts) => order.next(pts))

    assert.deepEqual(times, [-3600, 0, 3600, 7200, 10_800, 14_400, 18_000])
  })

  it('gives increasing times and no negative offset, whatever is reordered', () => {
    const shape = fc.record({
      depth: fc.integer({ min: 0, max: 8 }),
      frames: fc.integer({ min: 1, max: 80 }),
      stepTicks: fc.integer({ min: 100, max: 20_000 }),
      jitter: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 90, maxLength: 90 }),
    })
    fc.assert(
      fc.property(shape, ({ depth, frames, stepTicks, jitter }) => {
        // Reordering by n B-frames needs a depth of 1: each is behind one frame only. Any more is room to spare.
        const order = new DecodeOrder(depth === 0 ? 0 : Math.max(1, depth))
        let last = Number.NEGATIVE_INFINITY
        for (const pts of reordered(frames, depth, stepTicks).map((ticks, i) => ticks + (jitter[i] ?? 0))) {
          const dts = order.next(pts)

          assert.ok(dts > last || (dts === pts && dts >= last), `${dts} after ${last}`)
          assert.ok(dts <= pts, `decoded at ${dts}, shown at ${pts}`)
          last = dts
        }
      }),
    )
  })

  it('hands out every presentation time as a decode time, once the first are past', () => {
    const order = new DecodeOrder(2)
    const shown = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11].map((place) => place * 3600)

    const decoded = shown.map((pts) => order.next(pts))

    assert.deepEqual(
      decoded.slice(2),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((place) => place * 3600),
    )
  })

  it('learns a depth that the stream did not tell, and never runs back', () => {
    const shapes = fc.record({ depth: fc.integer({ min: 1, max: 5 }), said: fc.integer({ min: 0, max: 1 }) })
    fc.assert(
      fc.property(shapes, ({ depth, said }) => {
        const order = new DecodeOrder(said)
        const shown = reordered(120, depth, 3600)

        const decoded = shown.map((pts) => order.next(pts))

        for (let i = 1; i < decoded.length; i++) assert.ok(decoded[i]! >= decoded[i - 1]!)
        // After a few groups all is in order again.
        for (let i = 40; i < decoded.length; i++) {
          assert.ok(decoded[i]! <= shown[i]!, `frame ${i} of depth ${depth}: ${decoded[i]} > ${shown[i]}`)
        }
      }),
    )
  })

  it('takes a depth beyond all reason for the most that any codec has', () => {
    assert.equal(new DecodeOrder(4000).depth, 16)
  })
})
