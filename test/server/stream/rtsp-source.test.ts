import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import type { RtspSource } from '../../../server/stream/rtsp-source.ts'
import { type PeerRequest, type PeerScript, peerSdp, RtspPeer } from '../../support/rtsp-peer.ts'
import { SourceRecorder, testRtspSource, until } from '../../support/source-recorder.ts'

const digest = 'Digest realm="cam", nonce="n1", algorithm=MD5, qop="auth"'

/** Asks every request for a login, and takes what `isRight` says is right. */
function doorkeeper(isRight: (authorization: string, request: PeerRequest) => boolean, challenge = digest): PeerScript {
  return (request, connection) => {
    const given = request.headers.get('authorization')
    if (given !== undefined && isRight(given, request)) return false
    connection.reply(request, '401 Unauthorized', { 'WWW-Authenticate': challenge })
    return true
  }
}

describe('RTSP source', () => {
  const peers: RtspPeer[] = []
  const sources: RtspSource[] = []
  let owner: SourceRecorder

  beforeEach(() => {
    owner = new SourceRecorder()
  })

  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close()))
    await Promise.all(peers.splice(0).map((peer) => peer.close()))
  })

  async function listen(...args: Parameters<typeof RtspPeer.listen>): Promise<RtspPeer> {
    const peer = await RtspPeer.listen(...args)
    peers.push(peer)
    return peer
  }

  function fetch(...args: Parameters<typeof testRtspSource>): RtspSource {
    const source = testRtspSource(...args)
    sources.push(source)
    source.start()
    return source
  }

  it('offers the tracks it can take and hands on their packets', async () => {
    const peer = await listen()
    fetch(peer.url, owner)

    await until(() => owner.rtpPackets >= 5, 'packets')

    assert.deepEqual(
      owner.tracks[0]?.map((track) => [track.config.codec, track.clockHz]),
      [
        ['h264', 90_000],
        ['pcmu', 8000],
      ],
    )
    assert.deepEqual(peer.methods().slice(0, 5), ['OPTIONS', 'DESCRIBE', 'SETUP', 'SETUP', 'PLAY'])
    assert.deepEqual(owner.sequences.slice(0, 5), [0, 1, 2, 3, 4])
    assert.equal(peer.requests[2]?.url, `${peer.url}/trackID=0`)
  })

  it('leaves sound out where none is wanted', async () => {
    const peer = await listen()
    fetch(peer.url, owner, { hasAudio: false })

    await until(() => owner.tracks.length === 1, 'a session')

    assert.deepEqual(
      owner.tracks[0]?.map((track) => track.config.kind),
      ['video'],
    )
  })

  it('says TEARDOWN on close, and nothing after', async () => {
    const peer = await listen()
    const source = fetch(peer.url, owner)
    await until(() => owner.rtpPackets > 0, 'a packet')

    await source.close()
    const packets = owner.rtpPackets

    assert.equal(peer.methods().at(-1), 'TEARDOWN')
    await until(() => peer.open === 0, 'the connection closed')
    assert.equal(owner.rtpPackets, packets)
    assert.deepEqual(owner.ends, [])
  })

  it('closes within a second though the camera is silent', async () => {
    const peer = await listen((request) => request.method === 'TEARDOWN')
    const source = fetch(peer.url, owner)
    await until(() => owner.rtpPackets > 0, 'a packet')

    await source.close()

    await until(() => peer.open === 0, 'the connection closed', 1000)
  })

  it('keeps the session alive by GET_PARAMETER at under half its timeout, and reports what it received', async () => {
    const peer = await listen((request, connection) => {
      if (request.method !== 'SETUP') return false
      connection.reply(request, '200 OK', {
        Transport: request.headers.get('transport') ?? '',
        Session: '9 ;timeout=1',
      })
      return true
    })
    fetch(peer.url, owner)

    await until(() => peer.methods().filter((method) => method === 'GET_PARAMETER').length >= 2, 'keep-alives')

    const [first, second] = peer.requests.filter((request) => request.method === 'GET_PARAMETER')
    assert.ok(second!.atMs - first!.atMs < 1000)
    assert.equal(first!.headers.get('session'), '9')
    assert.ok(peer.reports >= 2)
  })

  it('falls back to OPTIONS, and goes on though keep-alives are refused', async () => {
    const peer = await listen((request, connection) => {
      if (request.method === 'SETUP') {
        connection.reply(request, '200 OK', { Session: '9;timeout=1' })
        return true
      }
      const isKeepAlive = request.headers.has('session') && request.method !== 'PLAY'
      if (!isKeepAlive || request.method === 'TEARDOWN') return false
      connection.reply(request, request.method === 'OPTIONS' ? '454 Session Not Found' : '501 Not Implemented')
      return true
    })
    fetch(peer.url, owner)

    const kept = () => peer.requests.filter((request) => request.headers.has('session')).map((r) => r.method)
    await until(() => kept().filter((method) => method === 'OPTIONS').length >= 2, 'keep-alives by OPTIONS')

    assert.equal(kept().filter((method) => method === 'GET_PARAMETER').length, 1)
    assert.deepEqual(owner.ends, [])
  })

  it('answers what the server asks in the midst of media', async () => {
    const answers: string[] = []
    const peer = await listen((request, connection) => {
      if (request.method !== 'PLAY') return false
      connection.socket.on('data', (chunk) => {
        for (const match of chunk.toString('latin1').matchAll(/RTSP\/1\.0 (\d+) [^\r]*\r\nCSeq: (\d+)/g)) {
          answers.push(`${match[2]}:${match[1]}`)
        }
      })
      connection.reply(request)
      connection.packet(0, 1)
      connection.socket.write('OPTIONS * RTSP/1.0\r\nCSeq: 71\r\n\r\n')
      connection.packet(0, 2)
      connection.socket.write('ANNOUNCE rtsp://x/ RTSP/1.0\r\nCSeq: 72\r\nContent-Length: 5\r\n\r\nv=0\r\n')
      connection.packet(0, 3)
      connection.socket.write('RECORD rtsp://x/ RTSP/1.0\r\nCSeq: 73\r\n\r\n')
      connection.socket.write('SETUP rtsp://x/ RTSP/1.0\r\nCSeq: 74\r\n\r\n')
      connection.packet(0, 4)
      return true
    })
    fetch(peer.url, owner)

    await until(() => answers.length >= 3 && owner.sequences.length >= 4, 'answers')

    assert.deepEqual(answers, ['71:200', '72:200', '74:501'])
    assert.deepEqual(owner.sequences, [1, 2, 3, 4])
  })

  it('hands on packets that come before the answer to PLAY', async () => {
    const peer = await listen((request, connection) => {
      if (request.method !== 'PLAY') return false
      for (let i = 0; i < 3; i++) connection.packet(0, i)
      setTimeout(() => connection.reply(request), 30)
      return true
    })
    fetch(peer.url, owner)

    await until(() => owner.rtpPackets === 3, 'three packets')

    assert.equal(owner.tracks.length, 1)
  })

  describe('login', () => {
    it('answers a challenge once, and every later request at once with the same nonce', async () => {
      const counts: string[] = []
      const peer = await listen(
        doorkeeper((given) => {
          counts.push(/nc=(\d+)/.exec(given)?.[1] ?? '')
          return true
        }),
      )
      fetch(peer.url, owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.rtpPackets > 0, 'a packet')

      assert.deepEqual(counts, ['00000001', '00000002', '00000003', '00000004', '00000005'])
      assert.equal(peer.requests.length, 6)
    })

    it('answers Basic, and the strongest of several', async () => {
      for (const [challenge, pattern] of [
        ['Basic realm="cam"', /^Basic YWRtaW46c2VjcmV0MQ==$/],
        [
          'Basic realm="cam"\nDigest realm="cam", nonce="a"\nDigest realm="cam", nonce="b", algorithm=SHA-256',
          /SHA-256/,
        ],
      ] as const) {
        const peer = await listen(doorkeeper((given) => pattern.test(given), challenge))
        const mine = new SourceRecorder()

        fetch(peer.url, mine, { username: 'admin', password: 'secret1' })

        await until(() => mine.rtpPackets > 0, `a packet after ${challenge}`)
      }
    })

    it('takes a new nonce where the old one is stale, also in mid session', async () => {
      let nonce = 1
      const peer = await listen((request, connection) => {
        if (request.method === 'PLAY') nonce = 2
        const given = request.headers.get('authorization') ?? ''
        if (given.includes(`nonce="n${nonce}"`)) return false
        const stale = given === '' ? '' : ', stale=true'
        connection.reply(request, '401 Unauthorized', {
          'WWW-Authenticate': `Digest realm="cam", nonce="n${nonce}", qop="auth"${stale}`,
        })
        return true
      })
      fetch(peer.url, owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.rtpPackets > 0, 'a packet')

      assert.deepEqual(owner.ends, [])
    })

    it('names the refusal, with the kind of login and without the password', async () => {
      const peer = await listen(doorkeeper(() => false))
      fetch(peer.url, owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.ends.length === 1, 'an end')

      assert.deepEqual(
        [owner.ends[0]?.fault, owner.ends[0]?.detail],
        ['login', `${peer.url}: 401 Unauthorized (Digest)`],
      )
    })

    it('says so where no user name is set', async () => {
      const peer = await listen(doorkeeper(() => true))
      fetch(peer.url, owner)

      await until(() => owner.ends.length === 1, 'an end')

      assert.match(owner.ends[0]!.detail, /401 Unauthorized \(Digest\), and no user name is set$/)
      assert.deepEqual(peer.loginTries, [])
    })

    it('tries a refused login once in the gap, however many streams of the camera there are', async () => {
      const gapMs = 600
      const peer = await listen(doorkeeper(() => false))
      const loginGate = new LoginGate(systemClock, gapMs)
      const owners = [new SourceRecorder(), new SourceRecorder(), new SourceRecorder()]

      for (const each of owners) {
        fetch(peer.url, each, { username: 'admin', password: 'wrong-one', loginGate })
      }

      await until(() => peer.loginTries.length >= 3, 'three tries')
      const times = peer.loginTries.map((request) => request.atMs)
      for (let i = 1; i < times.length; i++) assert.ok(times[i]! - times[i - 1]! >= gapMs)
      assert.ok(owners.every((each) => each.ends.length > 0 && each.ends.every((end) => end.fault === 'login')))
      assert.ok(owners.flatMap((each) => each.ends).some((end) => end.retryMs > gapMs / 2))
    })

    it('makes one try of several streams at a time as long as the login is unproved', async () => {
      const waiting: (() => void)[] = []
      const peer = await listen((request, connection) => {
        if (!request.headers.has('authorization')) return doorkeeper(() => false)(request, connection)
        waiting.push(() => connection.reply(request, '401 Unauthorized', { 'WWW-Authenticate': digest }))
        return true
      })
      const loginGate = new LoginGate(systemClock)
      const owners = [new SourceRecorder(), new SourceRecorder()]
      for (const each of owners) fetch(peer.url, each, { username: 'admin', password: 'wrong-one', loginGate })
      await until(() => peer.requests.length >= 3 && waiting.length === 1, 'one login under way')

      waiting[0]!()

      await until(() => owners.every((each) => each.ends.length === 1), 'two ends')
      assert.equal(peer.loginTries.length, 1)
    })

    it('keeps a session whose keep-alive is refused, and does not try again in the gap', async () => {
      const peer = await listen((request, connection) => {
        if (request.method === 'SETUP' && request.headers.has('authorization')) {
          connection.reply(request, '200 OK', { Session: '9;timeout=1' })
          return true
        }
        return doorkeeper((_, { method }) => method !== 'GET_PARAMETER')(request, connection)
      })
      fetch(peer.url, owner, {
        username: 'admin',
        password: 'secret1',
        loginGate: new LoginGate(systemClock, 3000),
      })
      const refused = () => peer.loginTries.filter((request) => request.method === 'GET_PARAMETER').length

      await until(() => refused() === 1, 'a refused keep-alive')
      const packets = owner.rtpPackets
      await new Promise((resolve) => setTimeout(resolve, 1200))

      assert.equal(refused(), 1)
      assert.deepEqual(owner.ends, [])
      assert.ok(owner.rtpPackets > packets)
    })
  })

  describe('redirects', () => {
    it('are followed, with the login where the host is the same', async () => {
      const target = await listen(doorkeeper((given) => given.includes('username="admin"')))
      const peer = await listen((request, connection) => {
        if (request.method !== 'DESCRIBE') return false
        connection.reply(request, '302 Moved Temporarily', { Location: target.url })
        return true
      })
      fetch(peer.url, owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.rtpPackets > 0, 'a packet')

      assert.equal(peer.mostOpen + target.mostOpen, 2)
      await until(() => peer.open === 0, 'the first connection closed')
    })

    it('do not carry the login to another host', async () => {
      const target = await listen(doorkeeper(() => true, 'Basic realm="evil"'))
      const peer = await listen((request, connection) => {
        connection.reply(request, '301 Moved', { Location: target.url.replace('127.0.0.1', 'localhost') })
        return true
      })
      fetch(peer.url, owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'login')
      assert.match(owner.ends[0]!.detail, /the login for 127\.0\.0\.1 is not sent to the host it redirects to$/)
      assert.deepEqual(target.loginTries, [])
    })

    it('that lead in a circle are given up', async () => {
      const peer = await listen((request, connection) => {
        connection.reply(request, '302 Found', { Location: '/elsewhere' })
        return true
      })
      fetch(peer.url, owner, { retryMs: [5000] })

      await until(() => owner.ends.length === 1, 'an end')

      assert.deepEqual([owner.ends[0]?.fault, peer.accepted], ['path', 6])
      assert.match(owner.ends[0]!.detail, /redirected more than 5 times$/)
    })

    it('asked for in mid session are followed by the next one', async () => {
      const target = await listen()
      const peer = await listen((request, connection) => {
        if (request.method !== 'PLAY') return false
        connection.reply(request)
        connection.packet(0, 1)
        connection.socket.write(`REDIRECT ${request.url} RTSP/1.0\r\nCSeq: 1\r\nLocation: ${target.url}\r\n\r\n`)
        return true
      })
      fetch(peer.url, owner)

      await until(() => target.methods().includes('PLAY'), 'PLAY at the other place')

      assert.equal(owner.ends[0]?.fault, 'closed-by-camera')
    })
  })

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
      peers.length = 0

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

  describe('sessions', () => {
    it('begin anew when the camera answers again, one connection at a time', async () => {
      const first = await listen()
      fetch(first.url, owner)
      await until(() => owner.rtpPackets > 0, 'a packet')
      const { port } = first

      await first.close()
      peers.length = 0
      await until(() => owner.ends.length >= 2, 'tries that fail')
      const again = await listen(undefined, { port })

      await until(() => again.methods().includes('PLAY') && owner.tracks.length === 2, 'a second session')
      assert.equal(again.mostOpen, 1)
      assert.equal(owner.tracks[1]?.length, 2)
      assert.equal(owner.connects, owner.ends.length + 1)
    })

    it('end when their owner says so, politely, and are tried again', async () => {
      const peer = await listen()
      const source = fetch(peer.url, owner)
      await until(() => owner.rtpPackets > 0, 'a packet')

      source.abandon({ fault: 'no-keyframe', detail: 'no keyframe for 30 s' })

      await until(() => owner.tracks.length === 2, 'a second session')
      assert.deepEqual([owner.ends[0]?.fault, owner.ends[0]?.detail], ['no-keyframe', 'no keyframe for 30 s'])
      assert.ok(peer.methods().includes('TEARDOWN'))
      assert.equal(peer.mostOpen, 1)
    })

    it('end when their owner throws, and no other session does', async () => {
      const peer = await listen()
      const other = new SourceRecorder()
      fetch(peer.url, other)
      await until(() => other.rtpPackets > 0, 'a packet of the other')
      owner.onRtp = () => {
        owner.onRtp = undefined
        throw new Error('the sink broke')
      }

      fetch(peer.url, owner)

      await until(() => owner.tracks.length === 2, 'a second session')
      assert.equal(owner.ends[0]?.fault, 'source-failed')
      assert.match(String(owner.bugs[0]), /the sink broke/)
      assert.deepEqual(other.ends, [])
    })

    it('are held back and resumed without a packet lost', async () => {
      const peer = await listen((request, connection) => {
        if (request.method !== 'PLAY') return false
        connection.reply(request)
        let sequence = 0
        const timer = setInterval(() => connection.packet(0, sequence++, 1000), 2)
        connection.socket.on('close', () => clearInterval(timer))
        return true
      })
      const source = fetch(peer.url, owner)
      await until(() => owner.rtpPackets > 10, 'packets')

      source.hold(true)
      await new Promise((resolve) => setTimeout(resolve, 30))
      const held = owner.rtpPackets
      await new Promise((resolve) => setTimeout(resolve, 700))
      assert.equal(owner.rtpPackets, held)
      source.hold(false)
      await until(() => owner.rtpPackets > held + 200, 'packets again')

      // 700 ms of silence are more than the stall's 300: what is held is not silent.
      assert.deepEqual(owner.ends, [])
      assert.ok(owner.sequences.every((sequence, i) => sequence === i))
    })

    it('do not mistake a process that stood still for a silent camera', async () => {
      const peer = await listen()
      fetch(peer.url, owner)
      await until(() => owner.rtpPackets > 0, 'a packet')

      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800)
      await new Promise((resolve) => setTimeout(resolve, 100))

      assert.deepEqual(owner.ends, [])
    })

    it('survive garbage, a lying length and a torn packet in the midst of media', async () => {
      const peer = await listen((request, connection) => {
        if (request.method !== 'PLAY') return false
        connection.reply(request)
        let sequence = 0
        const timer = setInterval(() => {
          connection.packet(0, sequence++, 900)
          if (sequence % 10 === 3) connection.socket.write(Buffer.from([1, 2, 3, 0x24, 0, 0xff, 0x10, 0x80, 0x60, 7]))
          if (sequence % 10 === 6) connection.socket.write(Buffer.from([0x24, 0, 0, 200, 0x80, 96, 0, 0, 9]))
          if (sequence % 10 === 8) connection.socket.write('RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n')
        }, 2)
        connection.socket.on('close', () => clearInterval(timer))
        return true
      })
      fetch(peer.url, owner)

      await until(() => new Set(owner.sequences).size > 200, 'packets')

      assert.deepEqual(owner.ends, [])
      assert.deepEqual(owner.bugs, [])
    })
  })

  describe('over TLS', () => {
    let folder: string
    let tls: { key: string; cert: string }

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'nightjar-tls-'))
      const at = (name: string) => join(folder, name)
      execFileSync(
        'openssl',
        // biome-ignore format: one option a line says nothing more
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=camera', '-keyout', at('key'), '-out', at('cert')],
        { stdio: 'ignore' },
      )
      tls = { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8') }
    })

    after(() => rmSync(folder, { recursive: true }))

    it('takes a self-signed certificate, and reads into the shared buffer', async () => {
      const peer = await listen(undefined, { tls })
      fetch(peer.url.replace('rtsp:', 'rtsps:'), owner)

      await until(() => owner.rtpPackets > 20, 'packets')

      assert.ok(owner.sequences.every((sequence, i) => sequence === i))
    })

    it('names a peer that does not speak TLS', async () => {
      const peer = await listen((_, { socket }) => {
        socket.end('RTSP/1.0 400 Bad Request\r\n\r\n')
        return true
      })
      peer.onBytes = (socket) => socket.end('RTSP/1.0 400 Bad Request\r\n\r\n')
      fetch(peer.url.replace('rtsp:', 'rtsps:'), owner)

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'tls', owner.ends[0]?.detail)
    })

    it('does not send the login in the clear where the server asks to leave TLS', async () => {
      const target = await listen(doorkeeper(() => true, 'Basic realm="cam"'))
      const peer = await listen(
        (request, connection) => {
          connection.reply(request, '302 Found', { Location: target.url })
          return true
        },
        { tls },
      )
      fetch(peer.url.replace('rtsp:', 'rtsps:'), owner, { username: 'admin', password: 'secret1' })

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'login')
      assert.deepEqual(target.loginTries, [])
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
