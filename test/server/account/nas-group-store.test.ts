import assert from 'node:assert/strict'
import { AccountStore } from '../../../server/account/account-store.ts'
import { NasGroupStore } from '../../../server/account/nas-group-store.ts'
import { describeOnBoth } from '../../support/test-database.ts'

describeOnBoth('groups of the NAS', 'settings', (database) => {
  it('are those last set, and go with the account', async () => {
    const accounts = new AccountStore(database())
    const groups = new NasGroupStore(database())
    await accounts.create({
      ...{ id: 'a', username: 'alice', email: '', phone: '', source: 'nas', sourceId: '1000 alice', passwordHash: '' },
      ...{ mustChangePassword: false, isChangeRequired: false, isAdministrator: false, isEnabled: true },
      ...{ createdMs: 1, passwordChangedMs: 1, lastLoginMs: undefined },
    })

    const isNew = await groups.setGroups('a', ['everyone', 'OFFICE+stäff', 'everyone'])
    const isSame = await groups.setGroups('a', ['OFFICE+stäff', 'everyone'])
    const set = await groups.groupsOf('a')
    await groups.setGroups('a', ['night'])
    const replaced = await groups.groupsOf('a')
    await accounts.remove('a')

    assert.deepEqual([isNew, isSame], [true, false])
    assert.deepEqual(set.sort(), ['OFFICE+stäff', 'everyone'])
    assert.deepEqual(replaced, ['night'])
    assert.deepEqual(await groups.groupsOf('a'), [])
  })
})
