import assert from 'node:assert/strict'
import { Random } from '../../../../scripts/faults/random.ts'
import {
  fragmentHeadBytes,
  parseFragmentHead,
  peekFragment,
  readU64,
  type TrackRun,
  writeFragmentHead,
  writeU64,
} from '../../../../server/media/segment/fragment-head.ts'

function randomRun(random: Random, trackId: number, hasOffsets: boolean): TrackRun {
  const count = random.int(1, 40)
  const column = (most: number) => Uint32Array.from({ length: count }, () => random.int(0, most))
  return {
    trackId,
    tfdtTicks: random.int(0, 2 ** 45),
    count,
    sizes: column(300),
    durations: column(2 ** 32),
    offsets: hasOffsets ? Int32Array.from({ length: count }, () => random.int(0, 2 ** 31)) : undefined,
  }
}

function randomFragment(random: Random) {
  const tracks = [randomRun(random, 1, random.chance(0.5))]
  if (random.chance(0.5)) tracks.push(randomRun(random, 2, false))
  if (random.chance(0.2)) tracks.push(randomRun(random, 3, false))
  if (random.chance(0.2)) tracks.shift()
  const flags = random.int(0, 8)
  const isKey = (flags & 1) !== 0
  const dataBytes = tracks.reduce((sum, track) => sum + track.sizes.reduce((a, b) => a + b, 0), 0)
  const headBytes = fragmentHeadBytes(tracks, isKey)
  const before = random.int(0, 50)
  const bytes = new Uint8Array(before + headBytes + dataBytes + random.int(0, 50))
  bytes.set(random.bytes(dataBytes), before + headBytes)
  const fragment = {
    tracks,
    flags,
    utcUs: random.int(0, 2 ** 52),
    number: random.int(0, 2 ** 32 - 1),
    syncedThrough: random.int(0, 2 ** 45),
    seed: random.int(0, 2 ** 32),
  }
  const dataAt = before + headBytes
  const start = writeFragmentHead(bytes, new DataView(bytes.buffer), dataAt, dataAt + dataBytes, fragment)
  return { bytes, start, before, headBytes, dataBytes, fragment }
}

describe("a fragment's head", () => {
  it('comes back as it was written, and begins right where there was room for it', () => {
    const random = new Random(1)
    for (let i = 0; i < 500; i++) {
      const { bytes, start, before, headBytes, dataBytes, fragment } = randomFragment(random)

      const head = parseFragmentHead(bytes, start, fragment.seed)

      assert.equal(start, before)
      assert.ok(head !== undefined)
      assert.deepEqual(head.tracks, fragment.tracks)
      assert.equal(head.headBytes, headBytes)
      assert.equal(head.dataBytes, dataBytes)
      assert.deepEqual(
        [head.flags, head.utcUs, head.number, head.syncedThrough],
        [fragment.flags, fragment.utcUs, fragment.number, fragment.syncedThrough],
      )
    }
  })

  it("is refused under another segment's seed", () => {
    const random = new Random(2)
    for (let i = 0; i < 200; i++) {
      const { bytes, start, fragment } = randomFragment(random)

      assert.equal(parseFragmentHead(bytes, start, (fragment.seed ^ 1) >>> 0), undefined)
    }
  })

  it('is refused when any bit of it is wrong', () => {
    const { bytes, start, headBytes, fragment } = randomFragment(new Random(3))

    for (let bit = start * 8; bit < (start + headBytes) * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(parseFragmentHead(bytes, start, fragment.seed), undefined, `bit ${bit - start * 8}`)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
  })

  it('is refused when it is cut anywhere', () => {
    const { bytes, start, headBytes, fragment } = randomFragment(new Random(4))

    for (let length = 0; length < headBytes; length++) {
      assert.equal(parseFragmentHead(bytes.subarray(start, start + length), 0, fragment.seed), undefined)
    }
  })

  it('that claims lengths beyond all bounds is not even looked at', () => {
    const { bytes, start } = randomFragment(new Random(5))
    const view = new DataView(bytes.buffer)
    for (const [at, value] of [
      [40, 0xffffffff],
      [40, 64 * 1024 + 1],
      [40, 63],
      [52, 32 * 1024 * 1024 + 1],
    ] as const) {
      const before = view.getUint32(start + at)
      view.setUint32(start + at, value)
      assert.equal(peekFragment(bytes, start), undefined, `${value} at ${at}`)
      view.setUint32(start + at, before)
    }
  })
})

describe('64-bit numbers', () => {
  it('come back for every whole number a double holds', () => {
    const view = new DataView(new ArrayBuffer(8))
    for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      writeU64(view, 0, value)

      assert.equal(readU64(view, 0), value)
      assert.equal(view.getBigUint64(0), BigInt(value))
    }
  })
})
