import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  activeWindow,
  clampRect,
  emptyWindows,
  frameOf,
  places,
  type Rect,
  reachPx,
  snapPlaceAt,
  step,
  titleHeightPx,
  type Windows,
  type Wish,
  windowOf,
  windowsFromSaved,
} from '../../../web-desktop/shell/window-state.ts'

const work: Rect = { leftPx: 0, topPx: 44, widthPx: 1440, heightPx: 856 }

function openWish(appId: string, singleton = false): Wish {
  return { type: 'open', appId, sizePx: [800, 500], minSizePx: [320, 200], singleton }
}

function run(windows: Windows, ...wishes: Wish[]): Windows {
  return wishes.reduce(step, windows)
}

function visible(windows: Windows): string[] {
  return windows.order.filter((id) => !windowOf(windows, id)!.isMinimised)
}

describe('windows', () => {
  it('open in front, each at a corner of its own', () => {
    const windows = run(emptyWindows(work), openWish('a'), openWish('b'), openWish('c'))

    const corners = new Set(windows.list.map((one) => `${one.rect.leftPx},${one.rect.topPx}`))
    assert.equal(corners.size, 3)
    assert.equal(activeWindow(windows)?.appId, 'c')
    assert.ok(windows.list.every((one) => one.rect.topPx >= 44 && one.rect.leftPx + 800 <= 1440))
  })

  it('show the window of a singleton app again instead of opening a second', () => {
    const opened = run(emptyWindows(work), openWish('a', true), openWish('b'), { type: 'minimise', id: 'w1' })

    const again = step(opened, openWish('a', true))

    assert.equal(again.list.length, 2)
    assert.equal(activeWindow(again)?.id, 'w1')
  })

  it('open where the app last was, as far as that still fits', () => {
    const lastRect = { leftPx: 3000, topPx: 10, widthPx: 600, heightPx: 400 }

    const windows = step(emptyWindows(work), { ...openWish('a'), lastRect } as Wish)

    assert.deepEqual(windows.list[0]!.rect, { leftPx: 1440 - reachPx, topPx: 44, widthPx: 600, heightPx: 400 })
  })

  it('give the front to the next below when the one in front is minimised or closed', () => {
    const opened = run(emptyWindows(work), openWish('a'), openWish('b'), openWish('c'))

    assert.equal(activeWindow(step(opened, { type: 'minimise', id: 'w3' }))?.id, 'w2')
    assert.equal(activeWindow(step(opened, { type: 'close', id: 'w3' }))?.id, 'w2')
  })

  it('never lose the title bar past an edge, nor go under the task bar', () => {
    const opened = step(emptyWindows(work), openWish('a'))

    const far = step(opened, { type: 'move', id: 'w1', leftPx: -5000, topPx: -5000 }).list[0]!.rect
    const low = step(opened, { type: 'move', id: 'w1', leftPx: 5000, topPx: 5000 }).list[0]!.rect

    assert.equal(far.leftPx + far.widthPx, reachPx)
    assert.equal(far.topPx, 44)
    assert.equal(low.leftPx, 1440 - reachPx)
    assert.equal(low.topPx, 900 - titleHeightPx)
  })

  it('are not made smaller than their app allows', () => {
    const opened = step(emptyWindows(work), openWish('a'))

    const rect = { leftPx: 10, topPx: 50, widthPx: 5, heightPx: 5 }
    const small = step(opened, { type: 'resize', id: 'w1', rect }).list[0]!.rect

    assert.deepEqual(small, { leftPx: 10, topPx: 50, widthPx: 320, heightPx: 200 })
  })

  it('come back to their own size from a place', () => {
    const opened = step(emptyWindows(work), openWish('a'))
    const before = opened.list[0]!.rect

    const maximised = step(opened, { type: 'toggle-maximise', id: 'w1' })
    const restored = step(maximised, { type: 'toggle-maximise', id: 'w1' })

    assert.deepEqual(frameOf(maximised.list[0]!, work), work)
    assert.deepEqual(frameOf(restored.list[0]!, work), before)
  })

  it('follow the work area while they lie in a place', () => {
    const opened = run(emptyWindows(work), openWish('a'), { type: 'place', id: 'w1', place: 'right' })
    const smaller = { leftPx: 0, topPx: 44, widthPx: 1001, heightPx: 600 }

    const after = step(opened, { type: 'work-area', rect: smaller })

    assert.deepEqual(frameOf(after.list[0]!, after.workArea), { leftPx: 500, topPx: 44, widthPx: 501, heightPx: 600 })
  })

  it('halves and quarters cover the work area without gap or overlap', () => {
    const odd = { leftPx: 3, topPx: 44, widthPx: 1001, heightPx: 601 }
    const area = (names: (typeof places)[number][]) =>
      names
        .map((place) => frameOf({ ...step(emptyWindows(odd), openWish('a')).list[0]!, place }, odd))
        .reduce((sum, rect) => sum + rect.widthPx * rect.heightPx, 0)

    assert.equal(area(['left', 'right']), 1001 * 601)
    assert.equal(area(['top-left', 'top-right', 'bottom-left', 'bottom-right']), 1001 * 601)
  })

  it('torn off a place lie under the pointer in their own size', () => {
    const opened = run(emptyWindows(work), openWish('a'), { type: 'place', id: 'w1', place: 'maximised' })

    const torn = step(opened, { type: 'tear', id: 'w1', xPx: 1080, yPx: 54 }).list[0]!

    assert.equal(torn.place, 'normal')
    assert.equal(torn.rect.widthPx, 800)
    assert.equal((1080 - torn.rect.leftPx) / 800, 0.75)
    assert.equal(torn.rect.topPx, 44)
  })

  it('snap by where the pointer is', () => {
    const cases: [number, number, string | undefined][] = [
      [700, 500, undefined],
      [5, 500, 'left'],
      [1436, 500, 'right'],
      [700, 46, 'maximised'],
      [3, 46, 'top-left'],
      [40, 46, 'top-left'],
      [1438, 60, 'top-right'],
      [3, 890, 'bottom-left'],
      [1438, 890, 'bottom-right'],
      [700, 899, undefined],
    ]

    for (const [x, y, place] of cases) assert.equal(snapPlaceAt(work, x, y), place, `${x},${y}`)
  })

  it('show desktop hides all and brings back exactly those it hid', () => {
    const opened = run(emptyWindows(work), openWish('a'), openWish('b'), openWish('c'), { type: 'minimise', id: 'w2' })

    const hidden = step(opened, { type: 'show-desktop' })
    const back = step(hidden, { type: 'show-desktop' })

    assert.deepEqual(visible(hidden), [])
    assert.deepEqual(visible(back), visible(opened))
  })

  it('show desktop hides anew once another window was opened', () => {
    const hidden = run(emptyWindows(work), openWish('a'), { type: 'show-desktop' }, openWish('b'))

    const again = step(hidden, { type: 'show-desktop' })

    assert.deepEqual(visible(again), [])
    assert.deepEqual(again.shownDesktop, ['w2'])
  })

  it('cycle through all that are shown, and back', () => {
    let windows = run(emptyWindows(work), openWish('a'), openWish('b'), openWish('c'))
    const seen: string[] = []
    for (let i = 0; i < 3; i++) {
      windows = step(windows, { type: 'next', isBackwards: false })
      seen.push(activeWindow(windows)!.id)
    }

    assert.deepEqual(seen, ['w2', 'w1', 'w3'])
    assert.equal(activeWindow(step(windows, { type: 'next', isBackwards: true }))?.id, 'w1')
  })

  it('a wish for a window that is gone changes nothing', () => {
    const opened = step(emptyWindows(work), openWish('a'))

    assert.equal(step(opened, { type: 'close', id: 'w9' }), opened)
    assert.equal(step(opened, { type: 'move', id: 'w9', leftPx: 0, topPx: 0 }), opened)
  })

  it('are read back as they were saved, without apps that are gone', () => {
    const opened = run(emptyWindows(work), openWish('a'), openWish('gone'), openWish('b'))
    const saved: unknown = JSON.parse(JSON.stringify(opened))

    const read = windowsFromSaved(saved, work, new Set(['a', 'b']))

    assert.deepEqual(
      read.list.map((one) => one.appId),
      ['a', 'b'],
    )
    assert.deepEqual(read.order, ['w1', 'w3'])
    assert.equal(step(read, openWish('a')).list.at(-1)!.id, 'w4')
  })

  it('have no -0 among their places, which saving would make 0', () => {
    const opened = step(emptyWindows(work), openWish('a'))

    const moved = step(opened, { type: 'move', id: 'w1', leftPx: -0.3, topPx: 100 })

    assert.ok(Object.is(windowOf(moved, 'w1')!.rect.leftPx, 0))
  })

  it('begin empty where what was saved is something else', () => {
    const bad: unknown[] = [null, 7, 'x', {}, { list: 3 }, { list: [{}], order: [], nextNumber: 'a' }]

    for (const saved of bad) assert.deepEqual(windowsFromSaved(saved, work, new Set(['a'])).list, [])
    const partly = { list: [{ id: 'w1' }], order: ['w1'], nextNumber: 2 }
    assert.deepEqual(windowsFromSaved(partly, work, new Set(['a'])).list, [])
  })
})

const px = fc.integer({ min: -3000, max: 4000 })
const size = fc.integer({ min: 1, max: 3000 })
const id = fc.integer({ min: 1, max: 9 }).map((n) => `w${n}`)
const rect = fc.record({ leftPx: px, topPx: px, widthPx: size, heightPx: size })
const wishes = fc.oneof<fc.Arbitrary<Wish>[]>(
  fc.record({
    type: fc.constant('open' as const),
    appId: fc.constantFrom('a', 'b', 'c'),
    sizePx: fc.tuple(size, size),
    minSizePx: fc.constant<[number, number]>([320, 200]),
    singleton: fc.boolean(),
  }),
  fc.record({ type: fc.constantFrom('focus', 'minimise', 'restore', 'toggle-maximise', 'close'), id }),
  fc.record({ type: fc.constant('next' as const), isBackwards: fc.boolean() }),
  fc.record({ type: fc.constant('move' as const), id, leftPx: px, topPx: px }),
  fc.record({ type: fc.constant('resize' as const), id, rect }),
  fc.record({ type: fc.constant('place' as const), id, place: fc.constantFrom(...places) }),
  fc.record({ type: fc.constant('tear' as const), id, xPx: px, yPx: px }),
  fc.record({ type: fc.constant('put' as const), id, rect, place: fc.constantFrom(...places) }),
  fc.record({ type: fc.constantFrom('show-desktop', 'cascade') }),
  fc.record({
    type: fc.constant('work-area' as const),
    rect: fc.record({
      leftPx: fc.constant(0),
      topPx: fc.constant(44),
      widthPx: fc.integer({ min: 200, max: 3000 }),
      heightPx: fc.integer({ min: 150, max: 2000 }),
    }),
  }),
) as fc.Arbitrary<Wish>

describe('a random walk of windows', () => {
  it('keeps every window known once, within reach, and no smaller than allowed', () => {
    fc.assert(
      fc.property(fc.array(wishes, { maxLength: 60 }), (walk) => {
        let windows = emptyWindows(work)
        for (const wish of walk) {
          const before = JSON.stringify(windows)
          const after = step(windows, wish)
          assert.equal(JSON.stringify(windows), before, 'the windows before are not written to')
          windows = after

          const ids = windows.list.map((one) => one.id)
          assert.equal(new Set(ids).size, ids.length)
          assert.deepEqual([...windows.order].sort(), [...ids].sort())
          assert.ok(windows.shownDesktop.every((one) => windowOf(windows, one)?.isMinimised))
          const area = windows.workArea
          for (const one of windows.list) {
            const frame = frameOf(one, area)
            const reach = Math.min(reachPx, frame.widthPx, area.widthPx)
            assert.ok(frame.topPx >= area.topPx && frame.topPx <= area.topPx + area.heightPx - titleHeightPx + 1)
            assert.ok(frame.leftPx + frame.widthPx >= area.leftPx + Math.floor(reach / 2))
            assert.ok(frame.leftPx <= area.leftPx + area.widthPx - Math.floor(reach / 2))
            assert.ok(one.rect.widthPx >= Math.min(320, area.widthPx))
            assert.ok(one.rect.heightPx >= Math.min(200, area.heightPx))
          }
          assert.equal(activeWindow(windows)?.id, visible(windows).at(-1))
        }
      }),
    )
  })

  it('is read back from what was saved exactly', () => {
    fc.assert(
      fc.property(fc.array(wishes, { maxLength: 30 }), (walk) => {
        const windows = run(emptyWindows(work), ...walk)

        const read = windowsFromSaved(JSON.parse(JSON.stringify(windows)), windows.workArea, new Set(['a', 'b', 'c']))

        assert.deepEqual(read.list, windows.list)
        assert.deepEqual(read.order, windows.order)
      }),
    )
  })
})

describe('clampRect', () => {
  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(rect, (any) => {
        const once = clampRect(any, work, 320, 200)
        assert.deepEqual(clampRect(once, work, 320, 200), once)
      }),
    )
  })
})
