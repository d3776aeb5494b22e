import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fragmentHeadBytes } from '../../../server/media/segment/fragment-head.ts'
import { type Fragment, FragmentBuilder, headRoomBytes } from '../../../server/stream/fragment-builder.ts'
import { WatchedArena } from '../../support/watched-arena.ts'

const mib = 1024 * 1024

interface Taken {
  dtsTicks: number
  ctsTicks: number
  durationTicks: number
  isKey: boolean
  isLast: boolean
  data: string
}

/** Reads fragments back as a player would: each sample by its sizes, its time by `tfdt` and durations. */
class FragmentReader {
  readonly video: Taken[] = []
  readonly audio: Taken[] = []
  readonly metadata: Taken[] = []
  readonly fragments: Omit<Fragment, 'bytes' | 'view'>[] = []
  readonly #arena: WatchedArena
  #waiting: Fragment[] = []
  /** How many fragments are held before the oldest is read and given back, as by a slow disk. */
  holds = 0

  constructor(arena: WatchedArena) {
    this.#arena = arena
  }

  take(fragment: Fragment): void {
    this.#waiting.push(fragment)
    while (this.#waiting.length > this.holds) this.#read(this.#waiting.shift()!)
  }

  readAll(): void {
    for (const fragment of this.#waiting.splice(0)) this.#read(fragment)
  }

  #read(fragment: Fragment): void {
    const { bytes, view: _view, ...rest } = fragment
    this.fragments.push(rest)
    assert.ok(fragmentHeadBytes(fragment.tracks, fragment.isKey) <= headRoomBytes, 'the head does not fit')
    assert.ok(fragment.dataAt - headRoomBytes >= fragment.slot.offset)
    assert.ok(fragment.dataEnd <= fragment.slot.offset + fragment.slot.sizeBytes)
    let at = fragment.dataAt
    for (const track of fragment.tracks) {
      const list = [this.video, this.audio, this.metadata][track.trackId - 1]!
      let dtsTicks = track.tfdtTicks
      for (let i = 0; i < track.count; i++) {
        list.push({
          dtsTicks,
          ctsTicks: track.offsets?.[i] ?? 0,
          durationTicks: track.durations[i]!,
          isKey: track.trackId !== 1 || (i === 0 && fragment.isKey),
          isLast: i === track.count - 1,
          data: Buffer.from(bytes.subarray(at, at + track.sizes[i]!)).toString('hex'),
        })
        dtsTicks += track.durations[i]!
        at += track.sizes[i]!
      }
    }
    assert.equal(at, fragment.dataEnd, 'samples do not make up the data')
    this.#arena.release(fragment.slot)
  }
}

interface Builder {
  builder: FragmentBuilder
  arena: WatchedArena
  reader: FragmentReader
  dropped: string[]
  /** Presentation times of key pictures that were whole. */
  keys: number[]
}

function makeBuilder(options: { arenaBytes?: number; reorderDepth?: number; picture?: boolean } = {}): Builder {
  const arena = new WatchedArena(options.arenaBytes ?? 32 * mib)
  const reader = new FragmentReader(arena)
  const dropped: string[] = []
  const keys: number[] = []
  const hasPicture = options.picture ?? true
  const builder = new FragmentBuilder(
    arena,
    {
      video: hasPicture ? { timescale: 90_000, reorderDepth: options.reorderDepth ?? 0 } : undefined,
      audio: { timescale: 8000 },
      metadata: { timescale: 90_000 },
    },
    {
      fragment: (fragment) => reader.take(fragment),
      dropped: (reason) => dropped.push(reason),
      parameterSet: () => undefined,
      keyframe: (pts) => {
        keys.push(pts)
        return true
      },
      begin: () => undefined,
      frame: () => undefined,
    },
  )
  return { builder, arena, reader, dropped, keys }
}

/** Writes a frame as a depacketizer does, in pieces. */
function frame(builder: FragmentBuilder, ticks: number, isKey: boolean, data: Uint8Array, mayBeKey = isKey): void {
  builder.beginFrame(ticks, mayBeKey)
  if (!put(builder, data)) builder.abandonFrame('too-large')
  else builder.endFrame(isKey)
}

function put(builder: FragmentBuilder, data: Uint8Array): boolean {
  if (!builder.room(data.length)) return false
  builder.bytes.set(data, builder.at)
  builder.at += data.length
  return true
}

function sound(builder: FragmentBuilder, ticks: number, data: Uint8Array): void {
  builder.sideSample('audio', ticks, 160, data, 0, data.length)
}

const bytesOf = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const hexOf = (data: Uint8Array) => Buffer.from(data).toString('hex')

describe('fragment builder', () => {
  it('takes nothing before the first keyframe', () => {
    const { builder, reader } = makeBuilder()
    frame(builder, 0, false, bytesOf(10, 1))
    sound(builder, 0, bytesOf(160, 2))
    frame(builder, 3600, true, bytesOf(10, 3))
    builder.cut()

    assert.deepEqual(
      reader.video.map(({ dtsTicks, data }) => [dtsTicks, data]),
      [[3600, hexOf(bytesOf(10, 3))]],
    )
    assert.deepEqual(reader.audio, [])
  })

  it('cuts after half a second and before every keyframe', () => {
    const { builder, reader } = makeBuilder()
    for (let i = 0; i < 60; i++) frame(builder, i * 3600, i === 0 || i === 30, bytesOf(10, i))
    builder.cut()

    assert.deepEqual(
      reader.fragments.map(({ isKey, tracks }) => [isKey, tracks[0]?.tfdtTicks, tracks[0]?.count]),
      [
        [true, 0, 13],
        [false, 13 * 3600, 13],
        [false, 26 * 3600, 4],
        [true, 30 * 3600, 13],
        [false, 43 * 3600, 13],
        [false, 56 * 3600, 4],
      ],
    )
    assert.equal(reader.fragments[3]?.mediaUs, 1_200_000)
  })

  it('begins a fragment with a keyframe that did not look like one', () => {
    const { builder, reader } = makeBuilder()
    frame(builder, 0, true, bytesOf(10, 1), false)
    frame(builder, 3600, false, bytesOf(10, 2))
    frame(builder, 7200, true, bytesOf(10, 3), false)
    builder.cut()

    assert.deepEqual(
      reader.fragments.map(({ isKey, tracks }) => [isKey, tracks[0]?.count]),
      [
        [true, 2],
        [true, 1],
      ],
    )
  })

  it('notes that samples were lost before a fragment', () => {
    const { builder, reader, dropped } = makeBuilder()
    frame(builder, 0, true, bytesOf(10, 1))
    builder.cut()
    builder.beginFrame(3600, false)
    put(builder, bytesOf(5, 9))
    builder.abandonFrame('damaged')
    frame(builder, 7200, false, bytesOf(10, 2))
    builder.cut()
    frame(builder, 10_800, false, bytesOf(10, 3))
    builder.cut()

    assert.deepEqual(
      reader.fragments.map(({ isLossBefore }) => isLossBefore),
      [false, true, false],
    )
    assert.deepEqual(dropped, ['damaged'])
    assert.equal(reader.video.length, 3)
  })

  it('grows a frame past its slot, up to what one slot may hold', () => {
    const { builder, reader, arena, dropped } = makeBuilder({ arenaBytes: 80 * mib })
    builder.beginFrame(0, true)
    const pieces = Array.from({ length: 12 }, (_, i) => bytesOf(mib, i))
    for (const piece of pieces) assert.ok(put(builder, piece))
    builder.endFrame(true)
    frame(builder, 3600, false, bytesOf(20 * mib, 1))
    frame(builder, 7200, false, bytesOf(10, 2))
    builder.cut()
    builder.close()

    assert.equal(reader.video[0]?.data, hexOf(Buffer.concat(pieces)))
    assert.deepEqual(dropped, ['too-large'])
    assert.equal(reader.video.length, 2)
    assert.equal(arena.held.size, 0)
  })

  it('cuts where its tables are full, without loss', () => {
    const { builder, reader } = makeBuilder()
    for (let i = 0; i < 500; i++) frame(builder, i * 9, i === 0, bytesOf(3, i))
    for (let i = 0; i < 600; i++) sound(builder, i * 160, bytesOf(160, i))
    builder.cut()

    assert.equal(reader.video.length, 500)
    assert.equal(reader.audio.length, 600)
  })

  it('begins a fragment where the time of sound jumps', () => {
    const { builder, reader } = makeBuilder()
    frame(builder, 0, true, bytesOf(10, 1))
    sound(builder, 0, bytesOf(160, 1))
    sound(builder, 160, bytesOf(160, 2))
    sound(builder, 8000, bytesOf(160, 3))
    builder.cut()

    assert.deepEqual(
      reader.audio.map(({ dtsTicks }) => dtsTicks),
      [0, 160, 8000],
    )
  })

  it('cuts by itself where there is no picture', () => {
    const { builder, reader, arena } = makeBuilder({ picture: false })
    for (let i = 0; i < 100; i++) sound(builder, i * 160, bytesOf(160, i))
    builder.cut()
    builder.close()

    assert.equal(reader.audio.length, 100)
    assert.ok(reader.fragments.length >= 4)
    assert.equal(arena.held.size, 0)
  })

  it('keeps composition offsets, and tells where presentation begins', () => {
    const { builder, reader } = makeBuilder({ reorderDepth: 1 })
    for (const place of [0, 2, 1, 4, 3, 6, 5]) frame(builder, place * 3600, place === 0, bytesOf(4, place))
    builder.cut()

    assert.equal(builder.startOffsetTicks, 3600)
    assert.deepEqual(
      reader.video.map(({ dtsTicks, ctsTicks }) => (dtsTicks + ctsTicks) / 3600),
      [0, 2, 1, 4, 3, 6, 5],
    )
    assert.equal(reader.fragments[0]?.mediaUs, 0)
  })

  it('takes whole frames from another source', () => {
    const { builder, reader } = makeBuilder()
    builder.wholeFrame(0, 3600, true, bytesOf(100, 1))
    builder.wholeFrame(3600, 7200, false, bytesOf(50, 2))
    builder.wholeFrame(7200, 0, false, bytesOf(20, 3))
    builder.wholeFrame(90_000, 3600, true, bytesOf(10, 4))
    builder.cut()

    assert.deepEqual(
      reader.video.map(({ dtsTicks, ctsTicks, isKey }) => [dtsTicks, ctsTicks, isKey]),
      [
        [0, 3600, true],
        [3600, 7200, false],
        [7200, 0, false],
        [90_000, 3600, true],
      ],
    )
  })

  it('gives listeners every sample once, whole', () => {
    const { builder } = makeBuilder()
    const heard: [string, number, string][] = []
    builder.listener = (track, _isKey, dts, cts, bytes, start, end) =>
      heard.push([track, dts + cts, hexOf(bytes.subarray(start, end))])
    frame(builder, 0, true, bytesOf(4, 1))
    sound(builder, 80, bytesOf(2, 2))
    frame(builder, 3600, false, bytesOf(3, 3))

    assert.deepEqual(heard, [
      ['video', 0, '01010101'],
      ['audio', 80, '0202'],
      ['video', 3600, '030303'],
    ])
  })

  it('drops the frame under construction where a cut finds no slot for it, and nothing else', () => {
    const made = makeBuilder({ arenaBytes: 512 * 1024 + 300_000 + 512 * 1024 })
    const { builder, reader, arena, dropped } = made
    reader.holds = 1
    frame(builder, 0, true, bytesOf(100, 1))
    builder.beginFrame(3600, false)
    put(builder, bytesOf(50, 2))
    builder.cut()
    builder.endFrame(false)
    reader.readAll()
    frame(builder, 7200, false, bytesOf(30, 3))
    builder.cut()
    reader.readAll()
    builder.close()

    assert.deepEqual(
      reader.video.map(({ data }) => data),
      [hexOf(bytesOf(100, 1)), hexOf(bytesOf(30, 3))],
    )
    assert.deepEqual(dropped, ['no-memory'])
    assert.equal(reader.fragments[1]?.isLossBefore, true)
    assert.equal(arena.held.size, 0)
  })

  it('drops a keyframe that did not look like one where there is no slot for it', () => {
    const made = makeBuilder({ arenaBytes: 512 * 1024 + 300_000 + 512 * 1024 })
    const { builder, reader, arena, dropped, keys } = made
    reader.holds = 1
    frame(builder, 0, true, bytesOf(100, 1))
    frame(builder, 3600, true, bytesOf(50, 2), false)
    reader.readAll()
    frame(builder, 7200, true, bytesOf(30, 3))
    builder.cut()
    reader.readAll()
    builder.close()

    assert.deepEqual(
      reader.video.map(({ data }) => data),
      [hexOf(bytesOf(100, 1)), hexOf(bytesOf(30, 3))],
    )
    assert.deepEqual(dropped, ['no-memory'])
    assert.deepEqual(keys, [0, 7200])
    assert.equal(arena.held.size, 0)
  })

  describe('with random frames, sound and cuts', () => {
    type Step =
      | { kind: 'frame'; isKey: boolean; looksKey: boolean; pieces: number[]; between: Step[] }
      | { kind: 'damaged'; pieces: number[] }
      | { kind: 'sound' | 'metadata'; size: number }
      | { kind: 'cut' }

    const side: fc.Arbitrary<Step> = fc.oneof(
      fc.record({
        kind: fc.constantFrom('sound' as const, 'metadata' as const),
        size: fc.integer({ min: 1, max: 2000 }),
      }),
      fc.constant({ kind: 'cut' as const }),
    )
    const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 1400 }), fc.integer({ min: 1, max: 150_000 })), {
      minLength: 1,
      maxLength: 6,
    })
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('frame' as const),
          isKey: fc.nat(5).map((n) => n === 0),
          looksKey: fc.boolean(),
          pieces,
          between: fc.array(side, { maxLength: 2 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('damaged' as const), pieces }) },
      { weight: 3, arbitrary: side },
    )

    interface Sent {
      video: { ticks: number; isKey: boolean; data: string }[]
      audio: { ticks: number; data: string }[]
      metadata: { ticks: number; data: string }[]
    }

    /** Plays the steps, and tells what went in whole from the first keyframe on. */
    function play(made: Builder, steps: Step[]): Sent {
      const { builder } = made
      const sent: Sent = { video: [], audio: [], metadata: [] }
      let [ticks, number] = [0, 0]
      let [audioTicks, metadataTicks] = [0, 0]
      let isWaiting = true
      const sideStep = (one: Step) => {
        if (one.kind === 'cut') builder.cut()
        if (one.kind !== 'sound' && one.kind !== 'metadata') return
        const data = bytesOf(one.size, number++ % 251)
        if (one.kind === 'sound') {
          if (!isWaiting) sent.audio.push({ ticks: audioTicks, data: hexOf(data) })
          builder.sideSample('audio', audioTicks, 160, data, 0, data.length)
          audioTicks += 160
        } else {
          if (!isWaiting) sent.metadata.push({ ticks: metadataTicks, data: hexOf(data) })
          builder.sideSample('metadata', metadataTicks, 9000, data, 0, data.length)
          metadataTicks += 9000
        }
      }
      for (const one of steps) {
        if (one.kind !== 'frame' && one.kind !== 'damaged') {
          sideStep(one)
          continue
        }
        ticks += 3600 + (number % 7) * 100
        const isKey = one.kind === 'frame' && one.isKey
        builder.beginFrame(ticks, one.kind === 'frame' ? one.looksKey : false)
        const parts: Uint8Array[] = []
        let isWhole = true
        for (const [i, size] of one.pieces.entries()) {
          const data = bytesOf(size, number++ % 251)
          parts.push(data)
          isWhole &&= put(builder, data)
          const between = one.kind === 'frame' ? one.between[i] : undefined
          if (between !== undefined) sideStep(between)
        }
        if (one.kind === 'damaged' || !isWhole) {
          builder.abandonFrame(isWhole ? 'damaged' : 'too-large')
          continue
        }
        const wasDropped = made.dropped.length
        builder.endFrame(isKey)
        if (isKey) isWaiting = builder.isWaiting
        if (!isWaiting && made.dropped.length === wasDropped) {
          sent.video.push({ ticks, isKey, data: hexOf(Buffer.concat(parts)) })
        }
      }
      builder.cut()
      made.reader.readAll()
      builder.close()
      return sent
    }

    it('gives back what went in byte for byte, in order, its times telescoping, and every slot', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 3 }), (steps, holds) => {
          const made = makeBuilder()
          made.reader.holds = holds

          const sent = play(made, steps)

          const { reader, arena, keys } = made
          assert.deepEqual(
            reader.video.map(({ data }) => data),
            sent.video.map(({ data }) => data),
          )
          assert.deepEqual(
            reader.audio.map(({ data }) => data),
            sent.audio.map(({ data }) => data),
          )
          assert.deepEqual(
            reader.metadata.map(({ data }) => data),
            sent.metadata.map(({ data }) => data),
          )
          assert.deepEqual(
            reader.video.map(({ dtsTicks }) => dtsTicks),
            sent.video.map(({ ticks }) => ticks),
          )
          assert.deepEqual(
            reader.audio.map(({ dtsTicks }) => dtsTicks),
            sent.audio.map(({ ticks }) => ticks),
          )
          assert.deepEqual(
            reader.video.map(({ isKey }) => isKey),
            sent.video.map(({ isKey }) => isKey),
          )
          assert.equal(keys.length, sent.video.filter(({ isKey }) => isKey).length)
          assert.equal(arena.held.size, 0)
        }),
        { numRuns: 60 },
      )
    })

    it('gives nothing torn where memory runs out, and has every slot back', () => {
      fc.assert(
        fc.property(
          fc.array(step, { maxLength: 60 }),
          fc.integer({ min: 2, max: 30 }),
          fc.integer({ min: 1, max: 8 }),
          (steps, sixteenths, holds) => {
            const made = makeBuilder({ arenaBytes: 512 * 1024 + 300_000 + sixteenths * 65_536 })
            made.reader.holds = holds

            const sent = play(made, steps)

            // What came through is some of what went in, in its order.
            let at = 0
            for (const { data, isKey } of made.reader.video) {
              while (at < sent.video.length && (sent.video[at]!.data !== data || sent.video[at]!.isKey !== isKey)) at++
              assert.ok(at < sent.video.length, 'a frame came out that never went in')
              at++
            }
            assert.equal(made.arena.held.size, 0)
          },
        ),
        { numRuns: 150 },
      )
    })
  })
})
