import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RtspBench } from '../../support/rtsp-bench.ts'
import { doorkeeper } from '../../support/rtsp-peer.ts'
import { SourceRecorder, until } from '../../support/source-recorder.ts'

describe('RTSP source', () => {
  const bench = new RtspBench()
  const { listen, fetch } = bench
  let owner: SourceRecorder

  beforeEach(() => {
    owner = bench.begin()
  })
  afterEach(() => bench.end())

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

  describe('sessions', () => {
    it('begin anew when the camera answers again, one connection at a time', async () => {
      const first = await listen()
      fetch(first.url, owner)
      await until(() => owner.rtpPackets > 0, 'a packet')
      const { port } = first

      await first.close()
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

    it('names a peer that leaves the TLS handshake unanswered', async () => {
      const peer = await listen()
      peer.onBytes = () => undefined
      fetch(peer.url.replace('rtsp:', 'rtsps:'), owner, { times: { connectMs: 200 } })

      await until(() => owner.ends.length === 1, 'an end')

      assert.equal(owner.ends[0]?.fault, 'tls')
      assert.match(owner.ends[0]!.detail, /no answer to the TLS handshake$/)
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
