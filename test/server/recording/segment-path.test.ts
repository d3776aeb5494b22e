import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseSegmentPath, segmentPath, sequenceOfName } from '../../../server/recording/segment-path.ts'

const gate = '33333333-3333-4333-8333-333333333333'
const name = {
  channelId: gate,
  stream: 1,
  kind: 'normal' as const,
  startUs: Date.UTC(2026, 10, 22, 12, 3, 4, 56) * 1000,
  runId: '0123456789abcdef',
  sequence: 7,
}
const path = `${gate}/1-normal/20261122/12/20261122T120304056Z-0123456789abcdef-7.mp4`

describe('segment path', () => {
  it('is as FORMAT.md §1 says', () => {
    assert.equal(segmentPath(name), path)
    assert.deepEqual(parseSegmentPath(path), name)
    assert.equal(sequenceOfName(path.slice(path.lastIndexOf('/') + 1)), 7)
  })

  it('sorts by time within a stream', () => {
    const minutes = [0, 1, 59, 60, 61, 1439, 1440, 525_600]
    const paths = minutes.map((minute) => segmentPath({ ...name, startUs: name.startUs + minute * 60e6 }))

    assert.deepEqual(paths, paths.toSorted())
  })

  it('reads back whatever it names, to the millisecond', () => {
    const names = fc.record({
      channelId: fc.uuid(),
      stream: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom('normal' as const, 'event' as const),
      startUs: fc.integer({ min: 0, max: Date.UTC(2099, 0, 1) }).map((ms) => ms * 1000),
      runId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => id.toString(16).padStart(16, '0')),
      sequence: fc.integer({ min: 0, max: 10 ** 15 - 1 }),
    })
    fc.assert(fc.property(names, (one) => assert.deepEqual(parseSegmentPath(segmentPath(one)), { ...one })))
  })

  it('knows nothing of any other file', () => {
    const others = [
      '',
      path.slice(1),
      `/${path}`,
      `../${path}`,
      path.replace('1-normal', '4-normal'),
      path.replace('1-normal', '1-other'),
      path.replace('.mp4', '.mp4.part'),
      path.replace('-7.mp4', '-.mp4'),
      path.replace('T12', 'T99'),
      path.replace('20261122T', '20261322T'),
      path.toUpperCase(),
      'journal/1.log',
      '.nightjar-space',
    ]

    assert.deepEqual(
      others.map(parseSegmentPath),
      others.map(() => undefined),
    )
  })
})
