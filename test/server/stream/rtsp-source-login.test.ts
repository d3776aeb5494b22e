import assert from 'node:assert/strict'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import { RtspBench } from '../../support/rtsp-bench.ts'
import { askedDigest, doorkeeper } from '../../support/rtsp-peer.ts'
import { SourceRecorder, until } from '../../support/source-recorder.ts'

describe('RTSP source and those who keep the door', () => {
  const bench = new RtspBench()
  const { listen, fetch } = bench
  let owner: SourceRecorder

  beforeEach(() => {
    owner = bench.begin()
  })
  afterEach(() => bench.end())

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
        waiting.push(() => connection.reply(request, '401 Unauthorized', { 'WWW-Authenticate': askedDigest }))
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
})
