import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../../server/base/clock.ts'
import { HostResolver, parseHosts, parseSearchDomains } from '../../../server/base/resolver.ts'

/** A DNS server (RFC 1035 §4) that knows A records of `names`, with a TTL in seconds, and nothing else. */
class NameServer {
  readonly #socket: Socket = createSocket('udp4')
  readonly names = new Map<string, string>()
  questions: string[] = []
  ttlSec = 60
  isSilent = false

  async listen(): Promise<string> {
    this.#socket.on('message', (question, from) => {
      const answer = this.#answer(question)
      if (!this.isSilent) this.#socket.send(answer, from.port, from.address)
    })
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve))
    return `127.0.0.1:${this.#socket.address().port}`
  }

  close(): void {
    this.#socket.close()
  }

  #answer(question: Buffer): Buffer {
    const labels: string[] = []
    let at = 12
    while (question[at] !== 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!))
      at += 1 + question[at]!
    }
    const name = labels.join('.').toLowerCase()
    const type = question.readUInt16BE(at + 1)
    if (type === 1) this.questions.push(name)
    const address = type === 1 ? this.names.get(name) : undefined
    const head = Buffer.from(question.subarray(0, at + 5))
    // A response, recursion available; NXDOMAIN (3) for a name that is not known.
    head.writeUInt16BE(this.names.has(name) ? 0x8180 : 0x8183, 2)
    head.writeUInt16BE(address === undefined ? 0 : 1, 6)
    head.writeUInt16BE(0, 8)
    head.writeUInt16BE(0, 10)
    if (address === undefined) return head
    const record = Buffer.alloc(16)
    record.writeUInt16BE(0xc00c, 0) // the name, by its place in the question
    record.writeUInt16BE(1, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(this.ttlSec, 6)
    record.writeUInt16BE(4, 10)
    Buffer.from(address.split('.').map(Number)).copy(record, 12)
    return Buffer.concat([head, record])
  }
}

describe('resolver', () => {
  let nowUs = 0
  const clock: Clock = { utcUs: () => nowUs, monotonicUs: () => nowUs }
  let server: NameServer
  let folder: string
  let resolver: HostResolver

  beforeEach(async () => {
    nowUs = 1_000_000
    server = new NameServer()
    const address = await server.listen()
    folder = mkdtempSync(join(tmpdir(), 'nightjar-hosts-'))
    writeFileSync(join(folder, 'hosts'), '# cameras\n10.0.0.7\tDoor gate # two names\n::7 door\nnot-an-address x\n')
    writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\nsearch cams.example\n')
    resolver = new HostResolver({
      clock,
      servers: [address],
      hostsPath: join(folder, 'hosts'),
      resolvConfPath: join(folder, 'resolv.conf'),
      timeoutMs: 400,
    })
  })

  afterEach(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('gives addresses as they are, and asks nobody', async () => {
    assert.deepEqual(await resolver.resolve('192.168.1.2'), ['192.168.1.2'])
    assert.deepEqual(await resolver.resolve('[fe80::1]'), ['fe80::1'])
    assert.deepEqual(await resolver.resolve('localhost'), ['127.0.0.1', '::1'])
    assert.deepEqual(server.questions, [])
  })

  it('reads the hosts file, in any case', async () => {
    assert.deepEqual(await resolver.resolve('DOOR'), ['10.0.0.7', '::7'])
    assert.deepEqual(await resolver.resolve('gate'), ['10.0.0.7'])
  })

  it('reads the hosts file again when it has changed', async () => {
    writeFileSync(join(folder, 'hosts'), '10.0.0.8 door\n')
    nowUs += 60_000_000
    await resolver.resolve('door')

    await new Promise((resolve) => setTimeout(resolve, 50))

    assert.deepEqual(await resolver.resolve('door'), ['10.0.0.8'])
  })

  it('asks DNS once for as long as the answer is good', async () => {
    server.names.set('cam.example', '10.0.0.1')

    await Promise.all([resolver.resolve('cam.example'), resolver.resolve('Cam.Example')])
    nowUs += 59_000_000
    assert.deepEqual(await resolver.resolve('cam.example'), ['10.0.0.1'])
    assert.deepEqual(server.questions, ['cam.example'])
    nowUs += 2_000_000
    server.names.set('cam.example', '10.0.0.2')

    assert.deepEqual(await resolver.resolve('cam.example'), ['10.0.0.2'])
  })

  it('uses an answer that has aged when DNS is silent', async () => {
    server.names.set('cam.example', '10.0.0.1')
    await resolver.resolve('cam.example')
    nowUs += 3600_000_000
    server.isSilent = true

    assert.deepEqual(await resolver.resolve('cam.example'), ['10.0.0.1'])
  })

  it('looks for a bare name in the search list first', async () => {
    server.names.set('cam7.cams.example', '10.0.0.7')

    assert.deepEqual(await resolver.resolve('cam7'), ['10.0.0.7'])
    assert.deepEqual(server.questions, ['cam7.cams.example'])
  })

  it('says what it found where there is no address', async () => {
    await assert.rejects(resolver.resolve('cam.example'), /resolve cam\.example: no such name/)
    server.isSilent = true
    await assert.rejects(resolver.resolve('dead.example'), /resolve dead\.example: no answer from DNS/)
  })

  it('parses hosts and search lists with what does not belong there', () => {
    assert.deepEqual(
      [...parseHosts('127.0.0.1 a\n\n#1.1.1.1 b\n2.2.2.2   a c')],
      [
        ['a', ['127.0.0.1', '2.2.2.2']],
        ['c', ['2.2.2.2']],
      ],
    )
    assert.deepEqual(parseSearchDomains('domain old\nsearch one two\n'), ['one', 'two'])
    assert.deepEqual(parseSearchDomains('search .\n'), [])
  })
})
