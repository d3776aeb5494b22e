import assert from 'node:assert/strict'
import { type Account, AccountStore } from '../../../server/account/account-store.ts'
import { PasskeyStore, type StoredPasskey } from '../../../server/account/passkey-store.ts'
import { describeOnBoth } from '../../support/test-database.ts'

const account: Account = {
  ...{ id: 'a1', username: 'mia', email: '', phone: '', source: 'local', sourceId: '', passwordHash: 'x' },
  ...{ mustChangePassword: false, isChangeRequired: false, isAdministrator: false, isEnabled: true },
  ...{ createdMs: 1, passwordChangedMs: 1, lastLoginMs: undefined },
}

const phone: StoredPasskey = {
  ...{ id: 'p1', accountId: 'a1', name: 'Phone', publicKey: 'cHVibGlj', signCount: 5, transports: ['internal'] },
  // The longest there may be (1023 bytes).
  ...{ credentialId: 'c'.repeat(1364), origin: 'https://nas.example', createdMs: 1, lastUsedMs: undefined },
}

describeOnBoth('passkeys', 'settings', (database) => {
  async function withPhone(): Promise<PasskeyStore> {
    await new AccountStore(database()).create(account)
    const store = new PasskeyStore(database())
    await store.create(phone)
    return store
  }

  it('are found by what the browser calls them, and by nothing shorter', async () => {
    const store = await withPhone()

    assert.deepEqual(await store.getByCredential(phone.credentialId), phone)
    assert.equal(await store.getByCredential(phone.credentialId.slice(1)), undefined)
  })

  it('are used only while their count goes up, or has always been 0', async () => {
    const store = await withPhone()
    await store.create({ ...phone, id: 'p2', credentialId: 'other', signCount: 0 })

    const uses: boolean[] = []
    for (const count of [5, 4, 0, 6, 6, 9]) uses.push(await store.noteUse('p1', count, 7))
    for (const count of [0, 0]) uses.push(await store.noteUse('p2', count, 8))

    assert.deepEqual(uses, [false, false, false, true, false, true, true, true])
    const all = await store.listOf('a1')
    assert.deepEqual(
      all.map(({ signCount, lastUsedMs }) => [signCount, lastUsedMs]),
      [
        [9, 7],
        [0, 8],
      ],
    )
  })

  it('are renamed and removed by their own account alone, and go with it', async () => {
    const store = await withPhone()

    assert.deepEqual([await store.rename('a2', 'p1', 'x'), await store.remove('a2', 'p1')], [false, false])
    assert.equal(await store.rename('a1', 'p1', 'Old phone'), true)
    assert.equal((await store.listOf('a1'))[0]!.name, 'Old phone')
    await new AccountStore(database()).remove('a1')
    assert.equal(await store.getByCredential(phone.credentialId), undefined)
  })
})
