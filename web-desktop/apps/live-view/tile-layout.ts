// Which camera is on which tile, and where each tile lies: pure data, kept between visits.

export const layouts = [1, 4, 9, 16] as const
export type Layout = (typeof layouts)[number]
export const tileCount = 16

export interface Tiles {
  layout: Layout
  /** The camera of tile 1, 2, …; a tile keeps its camera, and its video element, wherever it lies. */
  cameraIds: (string | undefined)[]
  /** The tile that lies in each place, by index from 0. */
  places: number[]
}

export function emptyTiles(layout: Layout = 4): Tiles {
  return {
    layout,
    cameraIds: Array.from({ length: tileCount }, () => undefined),
    places: Array.from({ length: tileCount }, (_, i) => i),
  }
}

/** The first cameras on the first places, in the smallest layout that shows them all. */
export function tilesOf(cameraIds: readonly string[]): Tiles {
  const layout = layouts.find((one) => one >= cameraIds.length) ?? 16
  const tiles = emptyTiles(layout)
  return { ...tiles, cameraIds: tiles.cameraIds.map((_, i) => cameraIds[i]) }
}

export function withCamera(tiles: Tiles, place: number, cameraId: string | undefined): Tiles {
  const tile = tiles.places[place]
  if (tile === undefined) return tiles
  // A camera is shown once: put elsewhere, it leaves where it was.
  const cameraIds = tiles.cameraIds.map((one, i) =>
    i === tile ? cameraId : one === cameraId && cameraId !== undefined ? undefined : one,
  )
  return { ...tiles, cameraIds }
}

/** Two places change their tiles; no picture starts anew. */
export function swapped(tiles: Tiles, a: number, b: number): Tiles {
  const places = [...tiles.places]
  ;[places[a], places[b]] = [places[b]!, places[a]!]
  return { ...tiles, places }
}

/** The first place of the layout without a camera; undefined where all are taken. */
export function freePlace(tiles: Tiles): number | undefined {
  const place = tiles.places.findIndex((tile, i) => i < tiles.layout && tiles.cameraIds[tile] === undefined)
  return place < 0 ? undefined : place
}

/** Where a camera is shown; undefined where it is not. */
export function placeOf(tiles: Tiles, cameraId: string): number | undefined {
  const place = tiles.places.findIndex((tile, i) => i < tiles.layout && tiles.cameraIds[tile] === cameraId)
  return place < 0 ? undefined : place
}

/** The place an arrow key leads to. */
export function neighbour(layout: Layout, place: number, key: string): number | undefined {
  const side = Math.sqrt(layout)
  const column = place % side
  const row = Math.floor(place / side)
  const to: Record<string, [number, number]> = {
    ArrowLeft: [column - 1, row],
    ArrowRight: [column + 1, row],
    ArrowUp: [column, row - 1],
    ArrowDown: [column, row + 1],
  }
  const [x, y] = to[key] ?? [-1, -1]
  return x < 0 || y < 0 || x >= side || y >= side ? undefined : y * side + x
}

/** What was kept, made good: undefined where it is no such thing. */
export function tilesFromKept(kept: unknown): Tiles | undefined {
  const one = kept as Partial<Tiles> | undefined
  if (one === undefined || !layouts.includes(one.layout as Layout)) return undefined
  const { cameraIds, places } = one
  if (!Array.isArray(cameraIds) || !Array.isArray(places)) return undefined
  const sorted = [...places].sort((a, b) => a - b)
  if (sorted.length !== tileCount || sorted.some((tile, i) => tile !== i)) return undefined
  const ids = Array.from({ length: tileCount }, (_, i) => (typeof cameraIds[i] === 'string' ? cameraIds[i] : undefined))
  return { layout: one.layout as Layout, cameraIds: ids, places }
}
