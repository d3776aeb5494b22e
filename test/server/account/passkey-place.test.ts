import assert from 'node:assert/strict'
import type { Request } from 'express'
import { placeOf } from '../../../server/account/passkey-place.ts'

/** What a request says of itself, as express reads it. */
function asked(origin: string | undefined, hostname: string, peer = '192.0.2.7'): Request {
  const get = (name: string) => (name === 'origin' ? origin : undefined)
  return { get, hostname, socket: { remoteAddress: peer } } as unknown as Request
}

const options = {
  ownNames: async () => ['nas', 'nas.example', '*.home.example', '192.0.2.1'],
  isProxy: (address: string) => address === '127.0.0.1',
}

describe('the place of a passkey', () => {
  const cases: [what: string, origin: string | undefined, hostname: string, peer: string, is: boolean][] = [
    ['a name of the certificate', 'https://nas.example:8443', 'nas.example', '192.0.2.7', true],
    ['one label for its star', 'https://cam.home.example', 'cam.home.example', '192.0.2.7', true],
    ['two labels for its star', 'https://a.cam.home.example', 'a.cam.home.example', '192.0.2.7', false],
    ['the name under the star', 'https://home.example', 'home.example', '192.0.2.7', false],
    ['plain HTTP', 'http://nas.example', 'nas.example', '192.0.2.7', false],
    ['this machine, plain', 'http://localhost:8971', 'localhost', '192.0.2.7', true],
    ['a page of this machine that asks elsewhere', 'http://localhost:8971', 'nas.example', '192.0.2.7', false],
    ['an IPv4 address', 'https://192.0.2.1', '192.0.2.1', '192.0.2.7', false],
    ['an IPv6 address', 'https://[2001:db8::1]', '[2001:db8::1]', '192.0.2.7', false],
    ['a name nobody gave it', 'https://evil.example', 'evil.example', '192.0.2.7', false],
    ['the name a proxy tells', 'https://cams.example', 'cams.example', '127.0.0.1', true],
    ['another name than the proxy tells', 'https://evil.example', 'cams.example', '127.0.0.1', false],
    ['an origin with a path', 'https://nas.example/x', 'nas.example', '192.0.2.7', false],
    ['a page without an origin', 'null', 'nas.example', '192.0.2.7', false],
    ['nothing', undefined, 'nas.example', '192.0.2.7', false],
  ]
  for (const [what, origin, hostname, peer, is] of cases) {
    it(`${is ? 'is' : 'is not'} ${what}`, async () => {
      const place = await placeOf(asked(origin, hostname, peer), options)

      assert.deepEqual(place, is ? { origin, rpId: hostname } : undefined)
    })
  }
})
