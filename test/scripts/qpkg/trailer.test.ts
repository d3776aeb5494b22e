import assert from 'node:assert/strict'
import { encryptNumber, readTrailer, writeTrailer } from '../../../scripts/qpkg/trailer.ts'

describe('the encrypt number', () => {
  // The files were made by QDK; the largest has 13 digits before it is cut.
  const known: [number, string][] = [
    [25_550, '1091698950'],
    [27_668, '1099300452'],
    [24_514, '1087980746'],
    [25_910, '1092990990'],
    [3_000_000, '1176700000'],
    [50_000_000, '1804500000'],
    [650_000_000, '2333850000'],
    [2_500_000_000, '8973500000'],
  ]
  for (const [fileBytes, number] of known) {
    it(`of ${fileBytes} bytes is ${number}`, () => {
      assert.equal(encryptNumber(fileBytes), number)
    })
  }
})

describe('the trailer', () => {
  it('is laid out as QDK lays it out', () => {
    const trailer = writeTrailer('sampleapp', '0.1', 25_550)

    const expected = [
      '20'.repeat(40), // model, reserved, tmp, auth_encrypt
      '31303931363938393530', // encrypt: 1091698950
      '20'.repeat(10), // fw_version
      `73616d706c65617070${'20'.repeat(11)}`, // name: sampleapp
      `302e31${'20'.repeat(7)}`, // version: 0.1
      '514e415051504b472020', // flag: QNAPQPKG
    ]
    assert.equal(trailer.toString('hex'), expected.join(''))
  })

  it('is read back by field', () => {
    const trailer = readTrailer(writeTrailer('Nightjar', '0.1.0', 100))

    assert.equal(trailer.name, 'Nightjar            ')
    assert.equal(trailer.version, '0.1.0     ')
    assert.equal(trailer.encrypt, '1000358900')
    assert.equal(trailer.flag, 'QNAPQPKG  ')
  })

  it('takes a name of 20 bytes and none of 21', () => {
    assert.equal(readTrailer(writeTrailer('n'.repeat(20), '1', 100)).name, 'n'.repeat(20))
    assert.throws(() => writeTrailer('n'.repeat(21), '1', 100), /QPKG_NAME: "n+" has 21 bytes, the most is 20/)
  })

  it('takes a version of 10 bytes and none of 11', () => {
    assert.equal(readTrailer(writeTrailer('n', '1234567890', 100)).version, '1234567890')
    assert.throws(() => writeTrailer('n', '12345678901', 100), /QPKG_VER: "12345678901" has 11 bytes, the most is 10/)
  })
})
