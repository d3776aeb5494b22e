import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Builder, bytesOf, hexOf, makeBuilder, put } from './builder-under-test.ts'

describe('fragment builder', () => {
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
