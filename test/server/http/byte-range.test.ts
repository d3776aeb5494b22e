import assert from 'node:assert/strict'
import { parseByteRange } from '../../../server/http/byte-range.ts'

describe('a byte range', () => {
  // RFC 9110 §14.1.2 and §14.2, on a thing of 10,000 bytes.
  const cases: [header: string | undefined, range: ReturnType<typeof parseByteRange>][] = [
    [undefined, undefined],
    ['bytes=0-499', { start: 0, end: 500 }],
    ['bytes=500-999', { start: 500, end: 1000 }],
    ['bytes=-500', { start: 9500, end: 10_000 }],
    ['bytes=9500-', { start: 9500, end: 10_000 }],
    ['bytes=0-', { start: 0, end: 10_000 }],
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=9999-20000', { start: 9999, end: 10_000 }],
    ['bytes=-20000', { start: 0, end: 10_000 }],
    ['bytes=10000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    ['bytes=a-b', undefined],
    ['bytes=99999999999999999999-', undefined],
  ]
  for (const [header, range] of cases) {
    it(`of ${header} is ${JSON.stringify(range)}`, () => {
      assert.deepEqual(parseByteRange(header, 10_000), range)
    })
  }

  it('of nothing cannot be satisfied', () => {
    assert.equal(parseByteRange('bytes=0-', 0), 'unsatisfiable')
    assert.equal(parseByteRange('bytes=-5', 0), 'unsatisfiable')
  })
})
