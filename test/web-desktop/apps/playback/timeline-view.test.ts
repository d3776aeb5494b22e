import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  centredOn,
  longestViewMs,
  mergedSpans,
  shareOf,
  shortestViewMs,
  spanAt,
  spanOf,
  stepped,
  tickStepMs,
  ticksOf,
  zoomed,
} from '../../../../web-desktop/apps/playback/timeline-view.ts'

const at = Date.UTC(2026, 10, 22, 12)
const hour = { fromMs: at, toMs: at + 3_600_000 }
const anyView = fc
  .tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: shortestViewMs, max: longestViewMs }))
  .map(([fromMs, span]) => ({ fromMs, toMs: fromMs + span }))

describe('a timeline view', () => {
  it('keeps the instant under the pointer where it is while it zooms', () => {
    fc.assert(
      fc.property(
        anyView,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (view, share, factor) => {
          const ms = view.fromMs + share * spanOf(view)
          const after = zoomed(view, factor, ms)

          assert.ok(Math.abs(shareOf(after, ms) - share) < 1e-3)
          assert.ok(spanOf(after) >= shortestViewMs - 0.01 && spanOf(after) <= longestViewMs + 0.01)
        },
      ),
    )
  })

  it('reaches from 35 days to a second in steps, and back', () => {
    let view = centredOn({ fromMs: 0, toMs: longestViewMs }, at)
    let steps = 0
    while (spanOf(view) > shortestViewMs) {
      view = stepped(view, 'in', at)
      steps += 1
    }

    assert.equal(steps, 8)
    for (let i = 0; i < 8; i++) view = stepped(view, 'out', at)
    assert.equal(Math.round(spanOf(view)), longestViewMs)
    assert.equal(stepped(view, 'out', at), view)
  })

  it('has marks at round times, as many as fit and no more', () => {
    fc.assert(
      fc.property(anyView, fc.integer({ min: 200, max: 3000 }), (view, widthPx) => {
        const step = tickStepMs(view, widthPx)
        const ticks = ticksOf(view, widthPx)

        assert.ok(ticks.every((tick) => tick.ms >= view.fromMs && tick.ms <= view.toMs))
        assert.ok(ticks.length <= widthPx / 60 + 3, `${ticks.length} marks on ${widthPx} px`)
        if (step < 3_600_000) assert.ok(ticks.every((tick) => tick.ms % step === 0))
        else assert.ok(ticks.every((tick) => new Date(tick.ms).getMinutes() % 15 === 0))
      }),
    )
  })

  it('names a mark by what changes from one to the next', () => {
    const label = (spanMs: number) => ticksOf({ fromMs: at, toMs: at + spanMs }, 1000)[1]!.label

    assert.match(label(1000), /:\d\d\.\d$/)
    assert.match(label(60_000), /^\d\d:\d\d:\d\d$/)
    assert.match(label(3_600_000), /^\d\d:\d\d$/)
    assert.match(label(longestViewMs), /^\w{3},? \d+ \w+$/)
    assert.equal(spanOf(hour), 3_600_000)
  })
})

describe('spans', () => {
  it('are merged where they touch, and closed over holes too small to matter', () => {
    const spans: [number, number][] = [
      [50, 60],
      [0, 10],
      [10, 20],
      [22, 30],
      [5, 8],
    ]

    assert.deepEqual(mergedSpans(spans), [
      [0, 20],
      [22, 30],
      [50, 60],
    ])
    assert.deepEqual(mergedSpans(spans, 5), [
      [0, 30],
      [50, 60],
    ])
  })

  it('hold their beginning and not their end', () => {
    const spans: [number, number][] = [[10, 20]]

    assert.equal(spanAt(spans, 9), undefined)
    assert.deepEqual(spanAt(spans, 10), [10, 20])
    assert.equal(spanAt(spans, 20), undefined)
  })
})
