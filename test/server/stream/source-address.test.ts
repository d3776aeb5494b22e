import assert from 'node:assert/strict'
import { displayText, displayUrl, parseRtspAddress } from '../../../server/stream/source-address.ts'

describe('RTSP address', () => {
  const cases: [url: string, host: string, port: number, isTls: boolean, request: string][] = [
    ['rtsp://10.0.0.5', '10.0.0.5', 554, false, 'rtsp://10.0.0.5/'],
    ['RTSPS://Cam.local:8554/a?b=c', 'cam.local', 8554, true, 'rtsps://Cam.local:8554/a?b=c'],
    ['rtsps://cam/x', 'cam', 322, true, 'rtsps://cam/x'],
    ['rtsp://user:p%40ss@cam:99/x#y', 'cam', 99, false, 'rtsp://cam:99/x'],
    ['rtsp://[fe80::1]:554/x', 'fe80::1', 554, false, 'rtsp://[fe80::1]:554/x'],
    ['rtsp://cam/a b/%7Ec/{d}', 'cam', 554, false, 'rtsp://cam/a%20b/%7Ec/{d}'],
    ['rtsp://cam?channel=1', 'cam', 554, false, 'rtsp://cam?channel=1'],
  ]
  for (const [url, host, port, isTls, request] of cases) {
    it(`is taken apart: ${url}`, () => {
      assert.deepEqual(parseRtspAddress(url), { host, port, isTls, url: request })
    })
  }

  it('is refused where it is none', () => {
    for (const url of [
      '',
      'http://cam/',
      'rtsp://',
      'rtsp://cam:0/',
      'rtsp://cam:70000/',
      'rtsp://a b/',
      'rtsp:///x',
    ]) {
      assert.throws(() => parseRtspAddress(url), /no rtsp:\/\/ or rtsps:\/\/ address$/, url)
    }
  })
})

describe('address for show', () => {
  const cases: [text: string, shown: string][] = [
    ['rtsp://admin:secret@10.0.0.5/ch1', 'rtsp://10.0.0.5/ch1'],
    ['rtsp://admin:se@cret@10.0.0.5/ch1', 'rtsp://10.0.0.5/ch1'],
    ['rtsp://cam/x?user=admin&password=secret&channel=1', 'rtsp://cam/x?user=***&password=***&channel=1'],
    [
      'rtsp://cam/user=admin_password=a_b_channel=1_stream=0.sdp',
      'rtsp://cam/user=***_password=***_channel=1_stream=0.sdp',
    ],
    ['got http://a:b@c/d and rtsp://e:f@g/h', 'got http://c/d and rtsp://g/h'],
    ['http://cam/monkey=1', 'http://cam/monkey=1'],
  ]
  for (const [text, shown] of cases) {
    it(`hides secrets: ${shown}`, () => assert.equal(displayUrl(text), shown))
  }

  it('strikes out the password wherever it stands, also as an address spells it', () => {
    assert.equal(displayText('refused se cret! and se%20cret!', 'se cret!'), 'refused *** and ***')
  })

  it('is one line of 200 characters at most', () => {
    assert.equal(displayText('a\r\nb\x07c', ''), 'a b c')
    assert.equal(displayText('x'.repeat(500), '').length, 200)
  })
})
