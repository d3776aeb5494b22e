import assert from 'node:assert/strict'
import { readConfig } from '../../server/config.ts'
import { Failure } from '../../shared/failure.ts'

describe('the configuration', () => {
  it('has a default for everything, and cannot be changed', () => {
    const config = readConfig({})

    assert.equal(config.port, 8971)
    assert.equal(config.basePath, '/qvrpro/')
    assert.equal(config.flushSec, 5)
    assert.deepEqual(config.settingsDatabase, { kind: 'sqlite', file: `${config.dataDir}/settings.sqlite` })
    assert.ok(Object.isFrozen(config))
  })

  it('takes an empty value as none', () => {
    assert.equal(readConfig({ NIGHTJAR_PORT: '', NIGHTJAR_FLUSH_SEC: ' ' }).port, 8971)
  })

  it('has HTTPS on, unless it is off, and knows whether the ports were given', () => {
    const byDefault = readConfig({})
    const off = readConfig({ NIGHTJAR_PORT: '80', NIGHTJAR_HTTPS_PORT: 'off' })

    assert.deepEqual([byDefault.httpsPort, byDefault.isHttpsPortGiven, byDefault.isPortGiven], [8972, false, false])
    assert.deepEqual([off.httpsPort, off.isHttpsPortGiven, off.isPortGiven], [undefined, true, true])
    assert.equal(readConfig({ NIGHTJAR_HTTPS_PORT: '443' }).httpsPort, 443)
  })

  it('has the server keep its recorder, unless something else does', () => {
    assert.equal(readConfig({}).keepsRecorder, true)
    assert.equal(readConfig({ NIGHTJAR_RECORDER: 'external' }).keepsRecorder, false)
  })

  it('makes two schemas of one MariaDB address', () => {
    const config = readConfig({ NIGHTJAR_DATABASE_URL: 'mysql://u:p@db:3306/eye' })

    assert.deepEqual(config.settingsDatabase, { kind: 'mysql', url: 'mysql://u:p@db:3306/eye', schema: 'eye_settings' })
    assert.deepEqual(config.indexDatabase, { kind: 'mysql', url: 'mysql://u:p@db:3306/eye', schema: 'eye_index' })
  })

  it('takes an index on another server by its own name', () => {
    const config = readConfig({ NIGHTJAR_INDEX_DATABASE_URL: 'mysql://u@other/footage' })

    assert.equal(config.settingsDatabase.kind, 'sqlite')
    assert.deepEqual(config.indexDatabase, { kind: 'mysql', url: 'mysql://u@other/footage', schema: 'footage' })
  })

  const refused: [key: string, value: string, says: RegExp][] = [
    ['NIGHTJAR_PORT', '65536', /0 to 65535/],
    ['NIGHTJAR_PORT', '80.5', /whole number/],
    ['NIGHTJAR_PORT', '-1', /0 to 65535/],
    ['NIGHTJAR_HTTPS_PORT', '65536', /0 to 65535/],
    ['NIGHTJAR_HTTPS_PORT', 'on', /0 to 65535, or off/],
    ['NIGHTJAR_ACME_URL', 'http://acme.example/', /https:/],
    ['NIGHTJAR_FLUSH_SEC', '0', /1 to 60/],
    ['NIGHTJAR_SEGMENT_SEC', '9', /10 to 3600/],
    ['NIGHTJAR_SPACE_BYTES', '1000', /268435456/],
    ['NIGHTJAR_BASE_PATH', 'qvrpro', /begin and end with \//],
    ['NIGHTJAR_BASE_PATH', '/a/../b/', /begin and end/],
    ['NIGHTJAR_BASE_PATH', '/a b/', /letters/],
    ['NIGHTJAR_LOG_LEVEL', 'loud', /debug, info/],
    ['NIGHTJAR_SETUP', 'skip', /one of ask, done/],
    ['NIGHTJAR_RECORDER', 'systemd', /one of own, external/],
    ['NIGHTJAR_DATABASE_URL', 'postgres://h/x', /mysql:/],
    ['NIGHTJAR_DATABASE_URL', 'mysql://h/', /database name/],
    ['NIGHTJAR_DATABASE_URL', 'mysql://h/a-b', /database name/],
  ]
  for (const [key, value, says] of refused) {
    it(`refuses ${key}=${value} by its name and limit`, () => {
      assert.throws(
        () => readConfig({ [key]: value }),
        (error: unknown) => error instanceof Failure && error.field === key && says.test(error.message),
      )
    })
  }

  it('repeats no password in a refusal', () => {
    assert.throws(
      () => readConfig({ NIGHTJAR_DATABASE_URL: 'mysql://u:hunter2@h/' }),
      (error: Error) => !error.message.includes('hunter2'),
    )
  })

  it('tells of keys that are none of its own', () => {
    assert.deepEqual(readConfig({ NIGHTJAR_PROT: '1', PATH: '/bin' }).unknownKeys, ['NIGHTJAR_PROT'])
  })
})
