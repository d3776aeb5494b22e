import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RunClock } from '../../../server/stream/run-clock.ts'

const second = 1_000_000
const wallUs = 1_795_348_800 * second

describe('run clock', () => {
  it('takes the first arrival for the start, while it knows no better', () => {
    const clock = new RunClock(7 * second, wallUs)

    clock.observe(0, 7 * second)

    assert.equal(clock.utcUs(0), wallUs + 7 * second)
    assert.equal(clock.utcUs(second), wallUs + 8 * second)
  })

  it('goes by the smallest arrival less media time, since a frame is never early', () => {
    const clock = new RunClock(300_000, wallUs)
    const lateUs = [300_000, 80_000, 250_000, 20_000, 400_000]

    for (const [i, late] of lateUs.entries()) clock.observe(i * second, i * second + late)
    // What was 280 ms late at first is bent away at 500 µs a second: all of it in 560 s.
    let media = 5 * second
    for (; media < 600 * second; media += second) {
      clock.observe(media, media + 20_000)
      clock.utcUs(media)
    }

    assert.equal(clock.utcUs(media), wallUs + media + 20_000)
  })

  it('bends an error away at 500 ppm, no faster', () => {
    const clock = new RunClock(100_000, wallUs)
    clock.observe(0, 100_000)
    clock.utcUs(0)
    clock.observe(second, second)

    const errors = [1, 2, 3, 10].map((sec) => clock.utcUs(sec * second) - wallUs - sec * second)

    assert.deepEqual(errors, [100_000 - 500, 100_000 - 1000, 100_000 - 1500, 100_000 - 5000])
  })

  it('saves up no bending for later while there is no error, nor before the run began', () => {
    const clock = new RunClock(0, wallUs)
    for (let sec = 3600; sec <= 4000; sec++) {
      clock.observe(sec * second, sec * second)
      clock.utcUs(sec * second)
    }

    clock.setWall(wallUs - 1_000_000)
    clock.observe(4001 * second, 4001 * second)

    assert.equal(clock.utcUs(4001 * second), wallUs + 4001 * second - 500)
  })

  it('follows a camera whose clock is slow, over hours, and stays within a few ms', () => {
    const clock = new RunClock(0, wallUs)
    let worstUs = 0
    for (let sec = 0; sec < 2 * 3600; sec++) {
      const trueUs = sec * second
      // 100 ppm slow: 0.72 s in two hours.
      const mediaUs = trueUs * (1 - 100e-6)
      const jitterUs = (sec * 7919) % 40_000
      assert.ok(clock.observe(mediaUs, trueUs + jitterUs))
      worstUs = Math.max(worstUs, Math.abs(clock.utcUs(mediaUs) - wallUs - trueUs))
    }

    assert.ok(worstUs < 15_000, `off by ${worstUs} µs`)
  })

  it('is not moved by frames that a stalled network delivers late', () => {
    const clock = new RunClock(0, wallUs)
    for (let sec = 0; sec < 20; sec++) clock.observe(sec * second, sec * second)

    // 8 s of silence, then all at once.
    for (let sec = 20; sec < 28; sec++) assert.ok(clock.observe(sec * second, 28 * second))

    assert.equal(clock.utcUs(28 * second), wallUs + 28 * second)
  })

  it('says that the run is over where media time falls behind by more than 2 s', () => {
    const clock = new RunClock(0, wallUs)
    assert.ok(clock.observe(0, 0))
    let isOver = false
    for (let sec = 1; sec < 60 && !isOver; sec++) isOver = !clock.observe(sec * second, sec * second + 2_100_000)

    assert.ok(isOver)
  })

  it('says that the run is over at once where media time runs ahead by more than 2 s', () => {
    const clock = new RunClock(10 * second, wallUs)
    assert.ok(clock.observe(0, 10 * second))

    assert.ok(clock.observe(second + 1_900_000, 11 * second))
    assert.equal(clock.observe(2 * second + 2_100_000, 12 * second), false)
  })

  it('bends a wall clock that was slewed, and ends the run where it was set by more than 2 s', () => {
    const clock = new RunClock(0, wallUs)
    clock.observe(0, 0)
    clock.utcUs(0)

    clock.setWall(wallUs + 1_000_000)
    assert.ok(clock.observe(second, second))
    assert.equal(clock.utcUs(second), wallUs + second + 500)

    clock.setWall(wallUs - 2_200_000)
    assert.equal(clock.observe(2 * second, 2 * second), false)
  })

  it('never runs back, whatever arrives when and however the wall clock is set', () => {
    const step = fc.record({
      mediaUs: fc.integer({ min: 0, max: 3 * second }),
      lateUs: fc.integer({ min: 0, max: 5 * second }),
      wallStepUs: fc.oneof(fc.constant(0), fc.integer({ min: -3 * second, max: 3 * second })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new RunClock(0, wallUs)
        let [mediaUs, wall, last] = [0, wallUs, Number.NEGATIVE_INFINITY]
        for (const { mediaUs: stepUs, lateUs, wallStepUs } of steps) {
          mediaUs += stepUs
          wall += wallStepUs
          clock.setWall(wall)
          clock.observe(mediaUs, mediaUs + lateUs)
          const utcUs = clock.utcUs(mediaUs)

          assert.ok(utcUs >= last, `${utcUs} after ${last}`)
          last = utcUs
        }
      }),
    )
  })
})
