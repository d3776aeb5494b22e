import assert from 'node:assert/strict'
import type { Clock } from '../../../server/base/clock.ts'
import { Backoff, LoginGate } from '../../../server/base/retry.ts'

describe('backoff', () => {
  const steady = (): number => 0.5

  it('gives each delay in turn, and the last one for ever', () => {
    const backoff = new Backoff([1000, 2000, 3000], 500, 10, steady)

    const delays = [0, 0, 0, 0, 0].map(() => backoff.next(0))

    assert.deepEqual(delays, [1000, 2000, 3000, 3000, 3000])
  })

  it('counts a delay from the start of the try, but never goes under the least', () => {
    const backoff = new Backoff([3000], 1000, 10, steady)

    assert.equal(backoff.next(500), 2500)
    assert.equal(backoff.next(5000), 1000)
  })

  it('begins again after a success', () => {
    const backoff = new Backoff([1000, 2000], 0, 10, steady)
    backoff.next(0)
    backoff.next(0)

    backoff.reset()

    assert.equal(backoff.next(0), 1000)
  })

  it('spreads delays by the jitter and no more', () => {
    for (const [random, delay] of [
      [0, 900],
      [1, 1100],
    ] as const) {
      assert.equal(Math.round(new Backoff([1000], 0, 10, () => random).next(0)), delay)
    }
  })
})

describe('login gate', () => {
  let nowUs = 0
  const clock: Clock = { utcUs: () => nowUs, monotonicUs: () => nowUs }
  let gate: LoginGate

  beforeEach(() => {
    nowUs = 1_000_000
    gate = new LoginGate(clock, 10_000, 60_000, 60_000)
  })

  async function refuse(password: string): Promise<void> {
    const leave = await gate.enter('cam', password)
    assert.ok(leave.isGiven)
    leave.login.refused()
  }

  it('is shut for the gap after a refusal, for every stream of that login and no other', async () => {
    await refuse('wrong')

    const leave = await gate.enter('cam', 'wrong')

    assert.deepEqual(leave, { isGiven: false, askAgainUs: nowUs + 10_000_000 })
    assert.ok((await gate.enter('other', 'wrong')).isGiven)
    nowUs += 10_000_000
    assert.ok((await gate.enter('cam', 'wrong')).isGiven)
  })

  it('stays shut longer for a password that was refused again and again, and not for another', async () => {
    const gaps: number[] = []
    for (let i = 0; i < 7; i++) {
      await refuse('wrong')
      gaps.push((gate.closedUntilUs('cam', 'wrong') - nowUs) / 1e6)
      assert.equal((gate.closedUntilUs('cam', 'another') - nowUs) / 1e6, 10)
      nowUs = gate.closedUntilUs('cam', 'wrong')
    }

    assert.deepEqual(gaps, [10, 10, 20, 40, 60, 60, 60])
  })

  it('lets one try at a time until a login is accepted, then any number', async () => {
    const first = await gate.enter('cam', 'right')
    const given: number[] = []
    const waiting = [1, 2].map(async (i) => {
      const leave = await gate.enter('cam', 'right')
      given.push(i)
      assert.ok(leave.isGiven)
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(given, [])

    assert.ok(first.isGiven)
    first.login.accepted()

    await Promise.all(waiting)
    assert.deepEqual(given, [1, 2])
  })

  it('turns away those who waited for a try that was refused', async () => {
    const first = await gate.enter('cam', 'wrong')
    const second = gate.enter('cam', 'wrong')

    assert.ok(first.isGiven)
    first.login.refused()

    assert.equal((await second).isGiven, false)
  })

  it('lets the next one try where a try ended without a verdict', async () => {
    const first = await gate.enter('cam', 'right')
    const second = gate.enter('cam', 'right')

    assert.ok(first.isGiven)
    first.login.left()
    first.login.refused()

    assert.ok((await second).isGiven)
    assert.equal(gate.closedUntilUs('cam', 'right'), 0)
  })

  it('notes the refusal of a login that had been accepted', async () => {
    const leave = await gate.enter('cam', 'right')
    assert.ok(leave.isGiven)
    leave.login.accepted()

    gate.noteRefusal('cam', 'right')

    assert.equal((await gate.enter('cam', 'right')).isGiven, false)
  })
})
