import assert from 'node:assert/strict'
import { Pins } from '../../../server/recording/pins.ts'

describe('pins', () => {
  const row = (sequence: number) => ({ spaceId: 'space', sequence })

  it('hold a segment until the last holder lets go, and tell all of them at every change', async () => {
    const told: number[][] = []
    const pins = new Pins((all) => told.push(all.map(({ sequence }) => sequence)))

    const first = pins.pin([row(1), row(2)])
    const second = pins.pin([row(2), row(3)])
    await Promise.resolve()
    first()
    first()
    await Promise.resolve()
    pins.repeat()
    await Promise.resolve()
    second()
    await Promise.resolve()

    assert.deepEqual(told, [[1, 2, 3], [2, 3], [2, 3], []])
  })
})
