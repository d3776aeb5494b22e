import assert from 'node:assert/strict'
import { RtspBench } from '../../support/rtsp-bench.ts'
import { type PeerScript, peerSdp } from '../../support/rtsp-peer.ts'
import { type SourceRecorder, until } from '../../support/source-recorder.ts'

describe('RTSP source', () => {
  const bench = new RtspBench()
  const { listen, fetch } = bench
  let owner: SourceRecorder

  beforeEach(() => {
    owner = bench.begin()
  })
  afterEach(() => bench.end())

  describe('faults', () => {
    const cases: [what: string, script: PeerScript, fault: string, detail: RegExp][] = [
      ['a wrong path', replyTo('DESCRIBE', '404 Not Found'), 'path', /: 404 Not Found$/],
      ['a server that is too busy', replyTo('DESCRIBE', '503 Service Unavailable'), 'protocol', /: 503 Service/],
      ['an account without rights', replyTo('DESCRIBE', '403 Forbidden'), 'login', /: 403 Forbidden$/],
      ['UDP alone', replyTo('SETUP', '461 Unsupported Transport'), 'udp-only', /by UDP only$/],
      [
        'UDP in answer to TCP',
        replyTo('SETUP', '200 OK', { Transport: 'RTP/AVP;unicast;client_port=1-2', Session: '1' }),
        'udp-only',
        /by UDP$/,
      ],
      ['no tracks', describeAs('v=0\r\ns=-\r\n'), 'no-tracks', /neither picture nor sound$/],
      [
        'unknown codecs',
        describeAs(
          'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000\r\n',
        ),
        'codec',
        /: sends VP8, G726-32, of which none is supported$/,
      ],
      [
        'a picture we cannot take beside sound we can',
        describeAs('v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 0 RTP/AVP 0\r\n'),
        'codec',
        /VP8/,
      ],
      ['a description that is none', describeAs('<html>hello</html>'), 'protocol', /read SDP/],
      ['a body that is never sent', lieOf('Content-Length: 4000'), 'connection', /no answer to DESCRIBE$/],
      ['a body of gigabytes', lieOf('Content-Length: 4000000000'), 'protocol', /more than 1048576$/],
      [
        'a request that is never answered',
        (request) => request.method === 'DESCRIBE',
        'connection',
        /no answer to DESCRIBE$/,
      ],
      [
        'a header that comes too slowly',
        (request, { socket }) => {
          if (request.method !== 'DESCRIBE') return false
          socket.write('RTSP/1.0 200 OK\r\n')
          const timer = setInterval(() => socket.write('x'), 20)
          socket.on('close', () => clearInterval(timer))
          return true
        },
        'connection',
        /no answer to DESCRIBE$/,
      ],
      [
        'another protocol',
        (_, { socket }) => {
          socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
          return true
        },
        'protocol',
        /does not speak RTSP$/,
      ],
      [
        'a camera that hangs up',
        (request, { socket }) => {
          if (request.method === 'DESCRIBE') socket.destroy()
          return request.method === 'DESCRIBE'
        },
        'closed-by-camera',
        /instead of an answer to DESCRIBE$/,
      ],
      [
        'silence after PLAY',
        (request, connection) => {
          if (request.method !== 'PLAY') return false
          connection.reply(request)
          return true
        },
        'silent',
        /answered PLAY and sent nothing for/,
      ],
      [
        'silence in mid session',
        (request, connection) => {
          if (request.method !== 'PLAY') return false
          connection.reply(request)
          connection.packet(0, 1)
          return true
        },
        'silent',
        /no packet for/,
      ],
    ]
    for (const [what, script, fault, detail] of cases) {
      it(`name ${what}`, async () => {
        const peer = await listen(script)
        fetch(peer.url, owner, { retryMs: [60_000] })

        await until(() => owner.ends.length === 1, 'an end')

        assert.equal(owner.ends[0]?.fault, fault, owner.ends[0]?.detail)
        assert.match(owner.ends[0]!.detail, detail)
        assert.ok(owner.ends[0]!.detail.startsWith(`${peer.url}: `))
        await until(() => peer.open === 0, 'the connection closed')
        assert.deepEqual(owner.bugs, [])
      })
    }

    it('name a port where nothing listens', async () => {
      const peer = await listen()
      const { url } = peer
      await peer.close()

      fetch(url.replace('//', '//admin:secret1@'), owner)

      await until(() => owner.ends.length === 1, 'an end')
      assert.equal(owner.ends[0]?.fault, 'connection')
      assert.match(
        owner.ends[0]!.detail,
        /^rtsp:\/\/127\.0\.0\.1:\d+\/ch1: connection refused at 127\.0\.0\.1 port \d+$/,
      )
    })

    it('name a name that does not resolve', async () => {
      fetch('rtsp://no-such-camera.invalid/ch1', owner)

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'name-resolution')
    })

    it('name an address that cannot be one', async () => {
      fetch('rtsp:///nowhere', owner)

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'path')
      assert.deepEqual(owner.bugs, [])
    })
  })
})

function replyTo(method: string, status: string, headers: Record<string, string> = {}): PeerScript {
  return (request, connection) => {
    if (request.method !== method) return false
    connection.reply(request, status, headers)
    return true
  }
}

function describeAs(sdp: string): PeerScript {
  return (request, connection) => {
    if (request.method !== 'DESCRIBE') return false
    connection.reply(request, '200 OK', { 'Content-Type': 'application/sdp' }, sdp)
    return true
  }
}

function lieOf(header: string): PeerScript {
  return (request, connection) => {
    if (request.method !== 'DESCRIBE') return false
    connection.socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${request.headers.get('cseq')}\r\n${header}\r\n\r\n${peerSdp}`)
    return true
  }
}
