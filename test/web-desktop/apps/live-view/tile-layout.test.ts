import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  emptyTiles,
  freePlace,
  neighbour,
  placeOf,
  swapped,
  type Tiles,
  tileCount,
  tilesFromKept,
  tilesOf,
  withCamera,
} from '../../../../web-desktop/apps/live-view/tile-layout.ts'

describe('tiles', () => {
  it('take the smallest layout that shows all cameras', () => {
    const layoutFor = (n: number) => tilesOf(Array.from({ length: n }, (_, i) => `c${i}`)).layout

    assert.deepEqual([0, 1, 2, 4, 5, 9, 10, 16, 40].map(layoutFor), [1, 1, 4, 4, 9, 9, 16, 16, 16])
  })

  it('keep a camera on its tile when two places change', () => {
    const tiles = tilesOf(['a', 'b', 'c', 'd'])

    const after = swapped(tiles, 0, 3)

    assert.deepEqual(after.cameraIds, tiles.cameraIds)
    assert.equal(placeOf(after, 'a'), 3)
    assert.equal(placeOf(after, 'd'), 0)
  })

  it('show a camera once: put elsewhere, it leaves where it was', () => {
    const tiles = withCamera(tilesOf(['a', 'b', 'c']), 3, 'a')

    assert.equal(placeOf(tiles, 'a'), 3)
    assert.equal(freePlace(tiles), 0)
  })

  it('hold every tile in one place whatever is done to them', () => {
    const act = fc.oneof(
      fc.record({ a: fc.nat(15), b: fc.nat(15) }),
      fc.record({ place: fc.nat(15), id: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }) }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        let tiles: Tiles = emptyTiles(16)
        for (const one of acts) {
          tiles = 'a' in one ? swapped(tiles, one.a, one.b) : withCamera(tiles, one.place, one.id)
          assert.deepEqual(
            [...tiles.places].sort((x, y) => x - y),
            Array.from({ length: tileCount }, (_, i) => i),
          )
          const shown = tiles.cameraIds.filter((id) => id !== undefined)
          assert.equal(new Set(shown).size, shown.length)
        }
        assert.deepEqual(tilesFromKept(JSON.parse(JSON.stringify(tiles))), tiles)
      }),
    )
  })

  it('are not read back from something else', () => {
    const bad: unknown[] = [undefined, 3, {}, { layout: 5 }, { layout: 4, cameraIds: [], places: [1] }]

    for (const kept of bad) assert.equal(tilesFromKept(kept), undefined)
  })

  it('are walked by arrow keys as far as the edge', () => {
    assert.equal(neighbour(9, 4, 'ArrowLeft'), 3)
    assert.equal(neighbour(9, 4, 'ArrowDown'), 7)
    assert.equal(neighbour(9, 2, 'ArrowRight'), undefined)
    assert.equal(neighbour(9, 1, 'ArrowUp'), undefined)
    assert.equal(neighbour(9, 4, 'a'), undefined)
  })
})
