import assert from 'node:assert/strict'
import { Random } from '../../../../scripts/faults/random.ts'
import {
  type ReadAt,
  type ScanResult,
  scanFragments,
  scanFragmentsLater,
} from '../../../../server/media/segment/segment-scan.ts'
import { type BuiltSegment, buildSegment, emptyTable } from './segment-under-test.ts'

const cases = 1000

const readerOf =
  (bytes: Uint8Array): ReadAt =>
  (offset, length) =>
    bytes.subarray(offset, offset + length)

function scan(segment: BuiltSegment, file: Uint8Array, resynchronise: boolean, proveDataFrom = 0) {
  const hasOffsets = segment.table.track(1)!.hasOffsets
  const table = emptyTable(true, segment.table.track(2) !== undefined, hasOffsets)
  const options = { from: segment.headBytes, to: file.length, seed: segment.seed, proveDataFrom, resynchronise }
  const result = scanFragments(readerOf(file), table, options)
  return { table, result, offsets: Array.from(table.fileOffsets.view()) }
}

/** Fragments of which every byte in `file` is as it was written. */
function wholeOffsets(segment: BuiltSegment, file: Uint8Array): number[] {
  return segment.fragments
    .filter(({ end }) => end <= file.length)
    .filter(({ offset, end }) => Buffer.compare(segment.open.subarray(offset, end), file.subarray(offset, end)) === 0)
    .map(({ offset }) => offset)
}

/** A place in one of a segment's fragment heads: where damage does most. */
function placeInHead(segment: BuiltSegment, random: Random): number {
  const fragment = random.pick(segment.fragments)
  return random.int(fragment.offset, fragment.dataAt)
}

type Damage = (segment: BuiltSegment, file: Buffer, random: Random) => Uint8Array

/** Bytes of another segment, laid over the file from `at` to its end and beyond. */
function withTail(file: Uint8Array, at: number, tail: Uint8Array): Uint8Array {
  return Buffer.concat([file.subarray(0, at), tail])
}

const damages: Record<string, Damage> = {
  'a cut anywhere': (segment, file, random) => file.subarray(0, random.int(segment.headBytes, file.length)),
  'a cut inside a head': (segment, file, random) => file.subarray(0, placeInHead(segment, random)),
  'a bit flip anywhere': (segment, file, random) => {
    file[random.int(segment.headBytes, file.length)]! ^= 1 << random.int(0, 8)
    return file
  },
  'a bit flip inside a head': (segment, file, random) => {
    file[placeInHead(segment, random)]! ^= 1 << random.int(0, 8)
    return file
  },
  'a bit flip in the numbers of a head': (segment, file, random) => {
    file[random.pick(segment.fragments).offset + random.int(0, 64)]! ^= 1 << random.int(0, 8)
    return file
  },
  'many bit flips inside heads': (segment, file, random) => {
    for (let i = 0; i < 5; i++) file[placeInHead(segment, random)]! ^= 1 << random.int(0, 8)
    return file
  },
  'a hole of zeros anywhere': (segment, file, random) => {
    const at = random.int(segment.headBytes, file.length)
    return file.fill(0, at, Math.min(file.length, at + 4096))
  },
  'a hole of zeros over a head': (segment, file, random) => {
    const block = Math.floor(placeInHead(segment, random) / 4096) * 4096
    return file.fill(0, Math.max(segment.headBytes, block), Math.min(file.length, block + 4096))
  },
  'a hole of zeros in the data': (segment, file, random) => {
    const fragment = random.pick(segment.fragments)
    return file.fill(0, random.int(fragment.dataAt, fragment.end), fragment.end)
  },
  'a tail of zeros': (segment, file, random) => file.fill(0, random.int(segment.headBytes, file.length)),
  "another segment's tail, from anywhere": (segment, file, random) => {
    const other = buildSegment(random)
    return withTail(file, random.int(segment.headBytes, file.length), other.open.subarray(random.int(0, 5000)))
  },
  "another segment's tail, from the same place in a block": (segment, file, random) => {
    const at = Math.ceil(random.int(segment.headBytes, file.length) / 512) * 512
    const other = buildSegment(random, { fragments: 12 })
    return withTail(file, Math.min(at, file.length), other.open.subarray(at))
  },
  "another segment's tail, fragment on fragment": (segment, file, random) => {
    const other = buildSegment(random)
    return withTail(
      file,
      random.pick(segment.fragments).offset,
      other.open.subarray(random.pick(other.fragments).offset),
    )
  },
  "another segment's tail, with footer, inside a head": (segment, file, random) => {
    const other = buildSegment(random)
    return withTail(file, placeInHead(segment, random), other.closed.subarray(random.pick(other.fragments).offset))
  },
  "another segment's free box where a fragment began": (segment, file, random) => {
    const at = random.pick(segment.fragments).offset
    file.writeUInt32BE(random.int(8, file.length - at + 1), at)
    file.write('free', at + 4, 'latin1')
    return file
  },
  'a stretch cut out of the middle': (segment, file, random) => {
    const at = random.int(segment.headBytes, file.length)
    return Buffer.concat([file.subarray(0, at), file.subarray(Math.min(file.length, at + random.int(1, 3000)))])
  },
  nothing: (_segment, file) => file,
}

/** Whether a fragment lies in the file as it was written, wherever: what was cut out of the middle moves the rest. */
function isOneOf(segment: BuiltSegment, bytes: Uint8Array): boolean {
  return segment.fragments.some(({ offset, end }) => Buffer.compare(segment.open.subarray(offset, end), bytes) === 0)
}

describe('the scanner for fragments', () => {
  for (const [name, damage] of Object.entries(damages)) {
    it(`takes no wrong fragment and loses no whole one after ${name}`, function () {
      this.timeout(60_000)
      for (let seed = 0; seed < cases; seed++) {
        const random = new Random(seed)
        const segment = buildSegment(random)
        const file = damage(segment, Buffer.from(segment.open), random)
        const whole = wholeOffsets(segment, file)

        const { table, offsets } = scan(segment, file, true)

        for (let i = 0; i < table.fragments; i++) {
          const at = offsets[i]!
          const end = at + table.headBytes.values[i]! + table.dataBytes.values[i]!
          assert.ok(isOneOf(segment, file.subarray(at, end)), `seed ${seed}: took a wrong fragment at ${at}`)
        }
        const lost = whole.filter((offset) => !offsets.includes(offset))
        assert.deepEqual(lost, [], `seed ${seed}: lost whole fragments`)
      }
    })
  }

  it('stops at the first damage where it is not asked to go on', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed)
      const segment = buildSegment(random)
      const file = Buffer.from(segment.open)
      const damaged = random.int(0, segment.fragments.length)
      const fragment = segment.fragments[damaged]!
      file[random.int(fragment.offset, fragment.end)]! ^= 1 << random.int(0, 8)

      const { offsets, result } = scan(segment, file, false)

      assert.deepEqual(
        offsets,
        segment.fragments.slice(0, damaged).map(({ offset }) => offset),
      )
      assert.equal(result.endOffset, fragment.offset)
    }
  })

  it('trusts data below the proven offset by its head alone, and no byte beyond it', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed)
      const segment = buildSegment(random, { fragments: 6 })
      const file = Buffer.from(segment.open)
      for (const { dataAt } of segment.fragments) file[dataAt]! ^= 0x10
      const proven = random.int(0, 7)
      const proveDataFrom = proven === 6 ? file.length : segment.fragments[proven]!.offset

      const { offsets } = scan(segment, file, true, proveDataFrom)

      assert.deepEqual(
        offsets,
        segment.fragments.slice(0, proven).map(({ offset }) => offset),
      )
    }
  })

  it('tells the holes between whole fragments, and the end of the last', () => {
    const segment = buildSegment(new Random(5), { fragments: 6 })
    const file = Buffer.from(segment.open)
    for (const damaged of [1, 2, 5]) file[segment.fragments[damaged]!.dataAt]! ^= 1

    const { result } = scan(segment, file, true)

    const [, first, second, third, , last] = segment.fragments
    assert.deepEqual(result.holes, [[first!.offset, third!.offset]])
    assert.equal(second!.end, third!.offset)
    assert.equal(result.endOffset, last!.offset)
  })

  it('rebuilds the very table the footer holds', () => {
    for (let seed = 0; seed < 100; seed++) {
      const segment = buildSegment(new Random(seed), { maxDataBytes: 400 })

      const { table, result } = scan(segment, segment.closed, true)

      assert.deepEqual(Array.from(table.fileOffsets.view()), Array.from(segment.table.fileOffsets.view()))
      assert.deepEqual(
        table.tracks.map((track) => Array.from(track.sizes.view())),
        segment.table.tracks.map((track) => Array.from(track.sizes.view())),
      )
      assert.equal(table.endUs, segment.table.endUs)
      assert.equal(result.endOffset, segment.open.length)
    }
  })

  it('finds a mark that lies across the edge of its window', () => {
    const window = 256 * 1024
    const random = new Random(6)
    const segment = buildSegment(random, { fragments: 2 })
    const [first, second] = segment.fragments
    // The first fragment is damaged, so the search begins one byte after it; the second begins around the window's edge.
    for (let shift = -40; shift <= 8; shift++) {
      const gap = window + shift - (second!.offset - first!.offset) + 1
      const file = Buffer.concat([
        segment.open.subarray(0, second!.offset),
        new Uint8Array(gap),
        segment.open.subarray(second!.offset),
      ])
      file[first!.offset + 60]! ^= 1

      const { offsets } = scan(segment, file, true)

      assert.deepEqual(offsets, [second!.offset + gap], `shift ${shift}`)
    }
  })

  it('gives the same answer when the bytes come later', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = new Random(seed)
      const segment = buildSegment(random)
      const file = Buffer.from(segment.open)
      file[placeInHead(segment, random)]! ^= 1
      const now = scan(segment, file, true)
      const table = emptyTable(true, segment.table.track(2) !== undefined, segment.table.track(1)!.hasOffsets)
      const options = { from: segment.headBytes, to: file.length, seed: segment.seed, proveDataFrom: 0 }

      const later: ScanResult = await scanFragmentsLater(
        async (offset, length) => file.subarray(offset, offset + length),
        table,
        { ...options, resynchronise: true },
      )

      assert.deepEqual(later, now.result)
      assert.deepEqual(Array.from(table.fileOffsets.view()), now.offsets)
    }
  })
})
