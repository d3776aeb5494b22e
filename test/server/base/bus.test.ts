import assert from 'node:assert/strict'
import { Bus } from '../../../server/base/bus.ts'
import { silentLogger } from '../../support/test-database.ts'

describe('the bus', () => {
  it('tells every listener in the order they came, until its undoing', () => {
    const bus = new Bus(silentLogger)
    const heard: string[] = []
    bus.on('space-removed', ({ spaceId }) => void heard.push(`a ${spaceId}`))
    const undo = bus.on('space-removed', ({ spaceId }) => void heard.push(`b ${spaceId}`))

    bus.emit('space-removed', { spaceId: '1' })
    undo()
    bus.emit('space-removed', { spaceId: '2' })

    assert.deepEqual(heard, ['a 1', 'b 1', 'a 2'])
  })

  it('lets no listener’s failure reach the others or the teller', async () => {
    const bus = new Bus(silentLogger)
    const heard: string[] = []
    bus.on('space-removed', () => {
      throw new Error('at once')
    })
    bus.on('space-removed', async () => {
      throw new Error('later')
    })
    bus.on('space-removed', ({ spaceId }) => void heard.push(spaceId))

    bus.emit('space-removed', { spaceId: '1' })
    await Promise.resolve()

    assert.deepEqual(heard, ['1'])
  })
})
