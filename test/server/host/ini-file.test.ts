import assert from 'node:assert/strict'
import { iniFlag, iniValue, parseIni } from '../../../server/host/ini-file.ts'

describe('ini file', () => {
  it('is sections of keys, in their order', () => {
    const file = parseIni('Platform = X86\n\n[System]\nWeb Access Port = 8080\nModel=TS\n# x = y\n; z = y\n[Empty]\n')

    assert.deepEqual([...file.keys()], ['', 'System', 'Empty'])
    assert.equal(iniValue(file.get(''), 'Platform'), 'X86')
    assert.deepEqual([...file.get('System')!], Object.entries({ 'Web Access Port': '8080', Model: 'TS' }))
  })

  it('goes by the first of equal keys', () => {
    assert.equal(iniValue(parseIni('[a]\nk = 1\n[b]\n[a]\nk = 2').get('a'), 'k'), '1')
  })

  it('finds a key whatever its capitals, and takes an empty one for none', () => {
    const section = parseIni('[a]\nInstall_Path = /x\nName =').get('a')

    assert.equal(iniValue(section, 'install_path'), '/x')
    assert.equal(iniValue(section, 'Name'), undefined)
    assert.equal(iniValue(undefined, 'Name'), undefined)
  })

  it('keeps what follows the first equals sign, and reads files with carriage returns', () => {
    assert.equal(iniValue(parseIni('[a]\r\nurl = x=1&y=2\r\n').get('a'), 'url'), 'x=1&y=2')
  })

  it('leaves out lines that are neither', () => {
    assert.deepEqual([...parseIni('nonsense\n= value\n[unclosed\n').get('')!], [])
  })

  it('knows the words for yes and no', () => {
    assert.deepEqual(['1', 'YES', 'true', 'On'].map(iniFlag), [true, true, true, true])
    assert.deepEqual(['0', 'no', 'FALSE', 'off'].map(iniFlag), [false, false, false, false])
    assert.deepEqual(['', '2', undefined].map(iniFlag), [undefined, undefined, undefined])
  })
})
