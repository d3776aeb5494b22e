import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { asFinding, found } from '../../../server/host/finding.ts'
import { HostSession } from '../../../server/host/host-session.ts'
import { Failure } from '../../../shared/failure.ts'

describe('finding', () => {
  it('is what the task found', async () => {
    assert.deepEqual(await asFinding('count', 1000, async () => found(3)), { isFound: true, value: 3 })
  })

  it('is a lack where the task throws', async () => {
    const finding = await asFinding('count disks', 1000, async () => {
      throw new Error('the bus is silent')
    })

    assert.deepEqual(finding, { isFound: false, kind: 'failed', reason: 'count disks: the bus is silent' })
  })

  it('tells missing rights from other errors', async () => {
    const finding = await asFinding('read', 1000, async () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    })

    assert.equal(!finding.isFound && finding.kind, 'denied')
  })

  it('does not wait for a task that is late', async () => {
    const finding = await asFinding('read', 20, () => new Promise<never>(() => {}))

    assert.deepEqual(finding, { isFound: false, kind: 'failed', reason: 'read: no answer within 20 ms' })
  })

  it('lets the caller’s own mistake pass', async () => {
    const asked = asFinding('create', 1000, async () => {
      throw new Failure('invalid', 'name: must be shorter', { field: 'name' })
    })

    await assert.rejects(asked, { kind: 'invalid', field: 'name' })
  })
})

describe('host session', () => {
  it('shows its id neither as text, nor as JSON, nor to a debugger', () => {
    const session = new HostSession('zx81secret', 'alice', false)

    const shown = [String(session), JSON.stringify({ session }), inspect(session, { showHidden: true, depth: 5 })]

    for (const text of shown) assert.doesNotMatch(text, /zx81secret/)
    assert.equal(session.reveal(), 'zx81secret')
  })
})
