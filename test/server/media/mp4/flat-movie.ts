/** Reads a progressive movie by its tables alone (ISO/IEC 14496-12 §8.6, §8.7), sharing nothing with what writes it. */

export interface FlatSample {
  dtsTicks: number
  ctsTicks: number
  durationTicks: number
  isKey: boolean
  description: number
  offset: number
  sizeBytes: number
}

export interface FlatTrack {
  id: number
  timescale: number
  /** Of `mdhd`, and of `tkhd` in the movie's timescale. */
  mediaTicks: number
  movieTicks: number
  edits: { durationTicks: number; mediaTimeTicks: number }[]
  descriptions: number
  samples: FlatSample[]
}

/** Every track of the movie, for movies small enough to list their samples. */
export function readFlatMovie(bytes: Uint8Array): { tracks: FlatTrack[]; movieTicks: number; dataStart: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const children = (start: number, end: number): Map<string, [number, number][]> => {
    const found = new Map<string, [number, number][]>()
    for (let at = start; at < end; ) {
      let size = view.getUint32(at)
      const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
      let body = at + 8
      if (size === 1) {
        size = Number(view.getBigUint64(at + 8))
        body = at + 16
      }
      found.set(type, [...(found.get(type) ?? []), [body, at + size]])
      at += size
    }
    return found
  }
  const one = (map: Map<string, [number, number][]>, type: string): [number, number] => map.get(type)![0]!
  const top = children(0, bytes.length)
  const moov = children(...one(top, 'moov'))
  const [mvhd] = one(moov, 'mvhd')
  const long = (at: number): boolean => bytes[at] === 1
  const tracks = (moov.get('trak') ?? []).map((trakRange): FlatTrack => {
    const trak = children(...trakRange)
    const mdia = children(...one(trak, 'mdia'))
    const stbl = children(...one(children(...one(mdia, 'minf')), 'stbl'))
    const [tkhd] = one(trak, 'tkhd')
    const [mdhd] = one(mdia, 'mdhd')
    const [elst] = one(children(...one(trak, 'edts')), 'elst')
    const edits = Array.from({ length: view.getUint32(elst + 4) }, (_, i) =>
      long(elst)
        ? {
            durationTicks: Number(view.getBigUint64(elst + 8 + i * 20)),
            mediaTimeTicks: Number(view.getBigInt64(elst + 16 + i * 20)),
          }
        : { durationTicks: view.getUint32(elst + 8 + i * 12), mediaTimeTicks: view.getInt32(elst + 12 + i * 12) },
    )
    /** The entries of a table of runs, each said as often as it counts. */
    const runs = (type: string): number[] => {
      const range = stbl.get(type)?.[0]
      if (!range) return []
      return Array.from({ length: view.getUint32(range[0] + 4) }, (_, i) => range[0] + 8 + i * 8).flatMap((at) =>
        new Array(view.getUint32(at)).fill(view.getInt32(at + 4)),
      )
    }
    const durations = runs('stts')
    const offsets = runs('ctts')
    const [stsz] = one(stbl, 'stsz')
    const constant = view.getUint32(stsz + 4)
    const count = view.getUint32(stsz + 8)
    const stss = stbl.get('stss')?.[0]?.[0]
    const keys =
      stss && new Set(Array.from({ length: view.getUint32(stss + 4) }, (_, i) => view.getUint32(stss + 8 + i * 4)))
    const [stsc] = one(stbl, 'stsc')
    const [co64] = one(stbl, 'co64')
    const samples: FlatSample[] = []
    let dtsTicks = 0
    let run = 0
    for (let chunk = 1; chunk <= view.getUint32(co64 + 4); chunk++) {
      while (run + 1 < view.getUint32(stsc + 4) && view.getUint32(stsc + 8 + (run + 1) * 12) <= chunk) run++
      let offset = Number(view.getBigUint64(co64 + 8 + (chunk - 1) * 8))
      for (let i = 0; i < view.getUint32(stsc + 12 + run * 12); i++) {
        const n = samples.length
        const sizeBytes = constant || view.getUint32(stsz + 12 + n * 4)
        samples.push({
          dtsTicks,
          ctsTicks: offsets[n] ?? 0,
          durationTicks: durations[n]!,
          isKey: !keys || keys.has(n + 1),
          description: view.getUint32(stsc + 16 + run * 12),
          offset,
          sizeBytes,
        })
        dtsTicks += durations[n]!
        offset += sizeBytes
      }
    }
    if (samples.length !== count || durations.length !== count) throw new Error('tables differ in length')
    return {
      id: view.getUint32(tkhd + (long(tkhd) ? 20 : 12)),
      timescale: view.getUint32(mdhd + (long(mdhd) ? 20 : 12)),
      mediaTicks: long(mdhd) ? Number(view.getBigUint64(mdhd + 24)) : view.getUint32(mdhd + 16),
      movieTicks: long(tkhd) ? Number(view.getBigUint64(tkhd + 28)) : view.getUint32(tkhd + 20),
      edits,
      descriptions: view.getUint32(one(stbl, 'stsd')[0] + 4),
      samples,
    }
  })
  const movieTicks = long(mvhd) ? Number(view.getBigUint64(mvhd + 24)) : view.getUint32(mvhd + 16)
  return { tracks, movieTicks, dataStart: one(top, 'mdat')[0] }
}
