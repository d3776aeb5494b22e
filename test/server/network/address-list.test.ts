import assert from 'node:assert/strict'
import { AddressList, isLoopback, plainAddress, sourceOf } from '../../../server/network/address-list.ts'
import { Failure } from '../../../shared/failure.ts'

const fieldOf = (index: number) => `entries.${index}`

describe('an address', () => {
  const forms: [address: string, plain: string, source: string][] = [
    ['192.168.1.7', '192.168.1.7', '192.168.1.7'],
    ['::ffff:10.1.2.3', '10.1.2.3', '10.1.2.3'],
    ['::1', '::1', '::1'],
    ['2001:DB8:0:0:1::5', '2001:db8::1:0:0:5', '2001:db8::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80::1'],
  ]
  for (const [address, plain, source] of forms) {
    it(`${address} is compared as ${plain}, and its log-ins are counted by ${source}`, () => {
      assert.equal(plainAddress(address), plain)
      assert.equal(sourceOf(plain), source)
    })
  }

  it('is none where it cannot be read', () => {
    for (const text of ['', 'nas', '10.0.0', '10.0.0.256', '1::2::3']) assert.equal(plainAddress(text), '', text)
  })

  it('is the machine’s own in 127.0.0.0/8 and as ::1', () => {
    assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', '128.0.0.1', '10.127.0.1'].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('a list of addresses', () => {
  const entries = [
    '10.0.0.0/8',
    ' 192.168.1.10 - 192.168.1.20 ',
    '203.0.113.9',
    '2001:db8:1::/48',
    '2001:db8:2::1',
    '::ffff:172.16.0.0/108',
  ]
  const list = new AddressList(entries, fieldOf)
  const members: [address: string, isIn: boolean][] = [
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.168.1.9', false],
    ['192.168.1.10', true],
    ['192.168.1.20', true],
    ['192.168.1.21', false],
    ['203.0.113.9', true],
    ['203.0.113.8', false],
    ['2001:db8:1:ffff::9', true],
    ['2001:db8:2::1', true],
    ['2001:db8:2::2', false],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['', false],
  ]
  for (const [address, isIn] of members) {
    it(`${isIn ? 'has' : 'has not'} ${address === '' ? 'what is no address' : address}`, () => {
      assert.equal(list.has(address), isIn)
    })
  }

  const refused: [entry: string, says: RegExp][] = [
    ['nas.local', /must be an IP address/],
    ['10.0.0.0/33', /not within 32 bits/],
    ['2001:db8::/129', /not within 128 bits/],
    ['::ffff:10.0.0.0/95', /not within 32 bits/],
    ['nas/8', /no IP address before/],
    ['10.0.0.9-10.0.0.1', /ends before it begins/],
    ['10.0.0.1-2001:db8::1', /one kind/],
    ['10.0.0.1/', /must be an IP address/],
  ]
  for (const [entry, says] of refused) {
    it(`refuses ${entry}, naming its place`, () => {
      assert.throws(
        () => new AddressList(['10.0.0.1', entry], fieldOf),
        (error: unknown) => error instanceof Failure && error.field === 'entries.1' && says.test(error.message),
      )
    })
  }
})
