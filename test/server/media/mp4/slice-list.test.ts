import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SliceList, silence } from '../../../../server/media/mp4/slice-list.ts'

describe('slice list', () => {
  it('joins neighbours, and nothing else', () => {
    const slices = new SliceList()

    const starts = [
      slices.add(0, 100, 10),
      slices.add(0, 110, 5),
      slices.add(0, 116, 4),
      slices.add(1, 120, 3),
      slices.add(silence, 255, 8),
      slices.add(silence, 255, 8),
      slices.add(silence, 213, 1),
    ]

    assert.deepEqual(starts, [0, 10, 15, 19, 22, 30, 38])
    assert.equal(slices.sizeBytes, 39)
    assert.deepEqual(
      [...slices.between(0, 39)],
      [
        { source: 0, offset: 100, sizeBytes: 15 },
        { source: 0, offset: 116, sizeBytes: 4 },
        { source: 1, offset: 120, sizeBytes: 3 },
        { source: silence, offset: 255, sizeBytes: 16 },
        { source: silence, offset: 213, sizeBytes: 1 },
      ],
    )
  })

  it('finds a place among tens of thousands', () => {
    const slices = new SliceList()
    for (let i = 0; i < 20_000; i++) slices.add(i % 3, i * 10, 7)

    for (const i of [0, 1, 4095, 4096, 4097, 8191, 8192, 19_999]) {
      assert.deepEqual([...slices.between(i * 7 + 2, i * 7 + 5)], [{ source: i % 3, offset: i * 10 + 2, sizeBytes: 3 }])
    }
    assert.equal([...slices.between(4094 * 7, 4099 * 7)].length, 5)
  })

  it('gives exactly the bytes between any two places', () => {
    const piece = fc.record({
      source: fc.integer({ min: -1, max: 2 }),
      offset: fc.nat(20),
      sizeBytes: fc.integer({ min: 1, max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), fc.nat(600), fc.nat(600), (pieces, start, sizeBytes) => {
        const slices = new SliceList()
        for (const { source, offset, sizeBytes: size } of pieces) slices.add(source, offset, size)
        const places = (of: Iterable<(typeof pieces)[number]>): string[] =>
          [...of].flatMap(({ source, offset, sizeBytes: size }) =>
            Array.from({ length: size }, (_, i) => `${source}:${source === silence ? offset : offset + i}`),
          )

        const found = places(slices.between(start, start + sizeBytes))

        assert.deepEqual(found, places(pieces).slice(start, start + sizeBytes))
      }),
    )
  })
})
