import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Frame, FrameList } from '../../../web-desktop/player/frame-list.ts'

const tickMs = 1000 / 15

/** Frames `from` to `to` of fifteen a second. */
function frames(from: number, to: number): Frame[] {
  return Array.from({ length: to - from }, (_, i) => ({ startMs: (from + i) * tickMs, durationMs: tickMs }))
}

describe('the frame list', () => {
  it('finds the frame shown at an instant, to its very edges', () => {
    const list = new FrameList()
    list.add(frames(0, 30))

    assert.equal(list.at(0)?.startMs, 0)
    assert.equal(list.at(tickMs - 1)?.startMs, 0)
    assert.equal(list.at(tickMs)?.startMs, tickMs)
    assert.equal(list.at(29.5 * tickMs)?.startMs, 29 * tickMs)
    assert.equal(list.at(31 * tickMs), undefined)
    assert.equal(list.at(-1), undefined)
  })

  it('shows a frame on over one that is missing, but not over a gap', () => {
    const list = new FrameList()
    list.add([...frames(0, 5), ...frames(7, 10), ...frames(100, 110)])

    assert.equal(list.at(6 * tickMs)?.startMs, 4 * tickMs)
    assert.equal(list.at(50 * tickMs), undefined)
    assert.equal(list.after(50 * tickMs)?.startMs, 100 * tickMs)
    assert.equal(list.before(50 * tickMs)?.startMs, 9 * tickMs)
  })

  it('holds each frame once, in order, however pieces overlap', () => {
    const piece = fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 30 }))
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
        const list = new FrameList()
        for (const [from, count] of pieces) list.add(frames(from, from + count))
        const expected = new Set(
          pieces.flatMap(([from, count]) => frames(from, from + count).map((one) => one.startMs)),
        )

        assert.equal(list.length, expected.size)
        const walked: number[] = []
        for (let at = list.first; at !== undefined; at = list.after(at.startMs)) walked.push(at.startMs)
        assert.deepEqual(
          walked,
          [...expected].sort((a, b) => a - b),
        )
        const back: number[] = []
        for (let at = list.last; at !== undefined; at = list.before(at.startMs)) back.push(at.startMs)
        assert.deepEqual(back.reverse(), walked)
      }),
    )
  })

  it('forgets what ended before an instant', () => {
    const list = new FrameList()
    list.add(frames(0, 30))

    list.dropBefore(10.5 * tickMs)

    assert.equal(list.first?.startMs, 10 * tickMs)
    list.dropBefore(1e9)
    assert.equal(list.length, 0)
  })
})
