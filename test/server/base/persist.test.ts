import assert from 'node:assert/strict'
import { persist } from '../../../server/base/persist.ts'

const plan = { firstMs: 1, longestMs: 2, isWorthwhile: (error: unknown) => (error as Error).message === 'away' }

describe('persist', () => {
  it('tries until it succeeds, and tells of each failure', async () => {
    const told: number[] = []
    let tries = 0

    const result = await persist({ ...plan, onFailed: (_error, count) => told.push(count) }, async () => {
      if (++tries < 4) throw new Error('away')
      return 'done'
    })

    assert.equal(result, 'done')
    assert.deepEqual(told, [1, 2, 3])
  })

  it('throws at once what is not worth another try', async () => {
    let tries = 0

    await assert.rejects(
      persist(plan, async () => {
        tries++
        throw new Error('a bug')
      }),
      /a bug/,
    )
    assert.equal(tries, 1)
  })

  it('ends with the last failure when it is stopped, also while it waits', async () => {
    const stop = new AbortController()

    const trying = persist({ ...plan, firstMs: 60_000, longestMs: 60_000, signal: stop.signal }, async () => {
      throw new Error('away')
    })
    setImmediate(() => stop.abort())

    await assert.rejects(trying, /away/)
  })
})
