import assert from 'node:assert/strict'
import { join } from 'node:path'
import { AccountPolicies } from '../../../server/account/account-policy.ts'
import { AccountService } from '../../../server/account/account-service.ts'
import { type Account, AccountStore } from '../../../server/account/account-store.ts'
import { LoginLimit } from '../../../server/account/login-limit.ts'
import { LoginService } from '../../../server/account/login-service.ts'
import { PasskeyService } from '../../../server/account/passkey-service.ts'
import { PasskeyStore, type StoredPasskey } from '../../../server/account/passkey-store.ts'
import { createPassport } from '../../../server/account/passport.ts'
import { SecondFactorService } from '../../../server/account/second-factor-service.ts'
import { SecondFactorStore } from '../../../server/account/second-factor-store.ts'
import { openDatabases } from '../../../server/app.ts'
import { Bus } from '../../../server/base/bus.ts'
import { Seal } from '../../../server/base/seal.ts'
import { readConfig } from '../../../server/config.ts'
import { SettingStore } from '../../../server/db/setting-store.ts'
import { LogService } from '../../../server/log/log-service.ts'
import { LogStore } from '../../../server/log/log-store.ts'
import { resetAdministratorOf } from '../../../server/start.ts'
import { maxPasskeysPerAccount } from '../../../shared/passkey.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { silentLogger } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const place = { origin: 'https://nas.example', rpId: 'nas.example' }
const bytes = 'eHg'
const signed = {
  ...{ id: bytes, rawId: bytes, type: 'public-key' as const },
  response: { clientDataJSON: bytes, authenticatorData: bytes, signature: bytes },
}

function accountOf(change: Partial<Account>): Account {
  return {
    ...{ id: 'a1', username: 'mia', email: '', phone: '', source: 'local', sourceId: '', passwordHash: 'x' },
    ...{ mustChangePassword: false, isChangeRequired: false, isAdministrator: false, isEnabled: true },
    ...{ createdMs: 1, passwordChangedMs: 1, lastLoginMs: undefined },
    ...change,
  }
}

function passkeyOf(change: Partial<StoredPasskey>): StoredPasskey {
  return {
    ...{ id: 'p1', accountId: 'a1', name: 'Phone', publicKey: bytes, signCount: 0, transports: [] },
    ...{ credentialId: bytes, origin: place.origin, createdMs: 1, lastUsedMs: undefined },
    ...change,
  }
}

describe('passkeys of an account', () => {
  let close: () => Promise<void>
  let store: PasskeyStore
  let accounts: AccountStore
  let passkeys: PasskeyService
  let log: LogService
  let folder = ''

  const config = () => readConfig({ NIGHTJAR_DATA_DIR: folder })

  beforeEach(async () => {
    folder = makeTestFolder()
    const { settings, index } = await openDatabases(config(), silentLogger)
    const [bus, clock, logger] = [new Bus(silentLogger), new FakeClock(), silentLogger]
    log = new LogService({ store: new LogStore(settings), bus, clock, logger, keptEntries: 100 })
    store = new PasskeyStore(settings)
    accounts = new AccountStore(settings)
    const policies = await AccountPolicies.open(new SettingStore(settings))
    const service = new AccountService(accounts, policies, clock)
    const seal = Seal.open(join(folder, 'seal.key'))
    const secondFactors = new SecondFactorService({ store: new SecondFactorStore(settings), seal, clock })
    const limit = new LoginLimit({ perAccount: 10, perAddress: 10, windowSec: 900 })
    const passport = createPassport(service, [])
    const logins = new LoginService({ passport, sources: [], accounts: service, secondFactors, limit, log, bus })
    passkeys = new PasskeyService({
      ...{ store, accounts: service, logins, limit, log, bus, clock },
      admits: ({ source }) => source === 'local',
    })
    close = async () => {
      await log.close()
      await settings.close()
      await index.close()
    }
  })
  afterEach(() => close())

  async function lastLogged(): Promise<string> {
    await log.flush()
    const [entry] = await log.list({ limit: 1 })
    return entry!.message
  }

  it('are neither made nor taken where another place must be asked whether it still lets somebody in', async () => {
    await accounts.create(accountOf({ source: 'directory', sourceId: 'd1' }))
    await store.create(passkeyOf({}))

    const outcome = await passkeys.logIn(signed, 'binding', place, '192.0.2.1')

    assert.deepEqual(outcome, { kind: 'wrong' })
    assert.match(await lastLogged(), /passkey of mia: accounts of its sort \(directory\) do not log in/)
    await assert.rejects(passkeys.offer('a1', 'session', place), { kind: 'conflict' })
  })

  it('are taken on the page they were made on alone, and for their own owner', async () => {
    await accounts.create(accountOf({}))
    await store.create(passkeyOf({}))
    const elsewhere = { origin: 'https://nas.example:8443', rpId: 'nas.example' }
    const other = { ...signed, response: { ...signed.response, userHandle: bytes } }

    assert.deepEqual(await passkeys.logIn(signed, 'binding', elsewhere, '192.0.2.1'), { kind: 'wrong' })
    assert.match(await lastLogged(), /it was made at https:\/\/nas\.example$/)
    assert.deepEqual(await passkeys.logIn(other, 'binding', place, '192.0.2.1'), { kind: 'wrong' })
    assert.match(await lastLogged(), /it names another$/)
    assert.deepEqual(await passkeys.logIn(signed, 'binding', place, '192.0.2.1'), { kind: 'wrong' })
    assert.match(await lastLogged(), /its answer is not right$/)
  })

  it('are twenty at most', async () => {
    await accounts.create(accountOf({}))
    for (let n = 1; n < maxPasskeysPerAccount; n++)
      await store.create(passkeyOf({ id: `p${n}`, credentialId: `c${n}` }))
    const { excludeCredentials } = await passkeys.offer('a1', 'session', place)
    await store.create(passkeyOf({ id: 'last', credentialId: 'last' }))

    assert.equal(excludeCredentials.length, maxPasskeysPerAccount - 1)
    await assert.rejects(passkeys.offer('a1', 'session', place), { kind: 'limit', message: /20 passkeys/ })
  })

  it('go where the administrator is reset', async () => {
    await accounts.create(accountOf({ username: 'admin', isAdministrator: true }))
    await store.create(passkeyOf({}))

    await resetAdministratorOf(config(), silentLogger)

    assert.deepEqual(await store.listOf('a1'), [])
  })
})
