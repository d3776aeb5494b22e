import assert from 'node:assert/strict'
import { bytesOf, frame, hexOf, makeBuilder, mib, put, sound } from './builder-under-test.ts'

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
})
