import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { authorization, isStale, parseChallenges, strongestChallenge } from '../../../../server/media/rtsp/digest.ts'

const mufasa = { username: 'Mufasa', password: 'Circle of Life' }
const request = { method: 'GET', url: '/dir/index.html', cnonce: '', nonceCount: 1 }

/** The parameters of an Authorization header. */
function fields(header: string): Map<string, string> {
  return parseChallenges([header])[0]!.params
}

function answer(values: string[], credentials = mufasa, change: Partial<typeof request> = {}): string {
  return authorization(strongestChallenge(parseChallenges(values))!, credentials, { ...request, ...change })
}

describe('RTSP authentication', () => {
  it('answers the examples of RFC 7616 §3.9.1', () => {
    const parts =
      'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
      'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'

    const md5 = answer([`Digest ${parts}, algorithm=MD5`], mufasa, { cnonce })
    const sha256 = answer([`Digest ${parts}, algorithm=SHA-256`], mufasa, { cnonce })

    assert.equal(fields(md5).get('response'), '8ca523f5e9506fed4657c9700eebdbec')
    assert.equal(fields(sha256).get('response'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
    assert.deepEqual(Object.fromEntries(fields(sha256)), {
      username: 'Mufasa',
      realm: 'http-auth@example.org',
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      uri: '/dir/index.html',
      response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
      algorithm: 'SHA-256',
      opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
      qop: 'auth',
      nc: '00000001',
      cnonce,
    })
  })

  it('answers the example of RFC 2617 §3.5', () => {
    const header = answer(
      [
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
          'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      ],
      { username: 'Mufasa', password: 'Circle Of Life' },
      { cnonce: '0a4f113b' },
    )

    assert.equal(fields(header).get('response'), '6629fae49393a05397450978507c4ef1')
    assert.equal(fields(header).has('algorithm'), false)
  })

  it('answers without qop as RFC 2069 did, which most cameras ask', () => {
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const header = answer(['Digest realm="IP Camera", nonce="abc"'], { username: 'admin', password: 'a:b"c' })

    assert.equal(
      fields(header).get('response'),
      md5(`${md5('admin:IP Camera:a:b"c')}:abc:${md5('GET:/dir/index.html')}`),
    )
    assert.equal(fields(header).has('nc'), false)
    assert.equal(fields(header).has('cnonce'), false)
  })

  it('hashes session keys and user names where asked', () => {
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
    const header = answer(['Digest realm="r", nonce="n", algorithm=SHA-256-sess, qop="auth", userhash=true'], mufasa, {
      cnonce: 'c',
      nonceCount: 255,
    })

    const ha1 = sha(`${sha('Mufasa:r:Circle of Life')}:n:c`)
    assert.equal(fields(header).get('response'), sha(`${ha1}:n:000000ff:c:auth:${sha('GET:/dir/index.html')}`))
    assert.equal(fields(header).get('username'), sha('Mufasa:r'))
  })

  it('answers Basic in UTF-8', () => {
    assert.equal(answer(['Basic realm="r"'], { username: 'ä', password: 'ö' }), 'Basic w6Q6w7Y=')
  })

  it('chooses the strongest challenge it can answer, wherever it stands', () => {
    const basic = 'Basic realm="r"'
    const md5 = 'Digest realm="r", nonce="1", stale=TRUE'
    const sha256 = 'Digest realm="r", nonce="2", algorithm=SHA-256'
    const chosen = (...values: string[]): string | undefined =>
      strongestChallenge(parseChallenges(values))?.params.get('nonce') ??
      strongestChallenge(parseChallenges(values))?.scheme

    assert.equal(chosen(basic, md5, sha256), '2')
    assert.equal(chosen(`${sha256}, ${basic}, ${md5}`), '2')
    assert.equal(chosen(basic, md5), '1')
    assert.equal(chosen('Negotiate abc=', basic), 'basic')
    assert.equal(chosen('Digest realm="r", nonce="3", algorithm=SHA-512-256', basic), 'basic')
    assert.equal(chosen('Digest realm="r", nonce="4", qop="auth-int"'), undefined)
    assert.equal(chosen('Digest realm="r"'), undefined)
    assert.equal(chosen(), undefined)
  })

  it('reads quoted pairs, commas in quotes and odd spaces', () => {
    const [challenge, ...others] = parseChallenges(['Digest  realm = "a \\"b\\", c" ,nonce=xyz,stale="true"'])

    assert.equal(others.length, 0)
    assert.deepEqual(Object.fromEntries(challenge!.params), { realm: 'a "b", c', nonce: 'xyz', stale: 'true' })
    assert.equal(isStale(challenge!), true)
  })

  it('takes any text for a challenge without failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        strongestChallenge(parseChallenges([text, `Digest ${text}`]))
      }),
    )
  })
})
