import assert from 'node:assert/strict'
import fc from 'fast-check'
import { carryRoomBytes, InterleavedReader } from '../../../../server/media/rtp/interleaved.ts'

const arena = new Uint8Array(carryRoomBytes + 2 * 1024 * 1024)

/** What a reader handed on: `0:…` for a packet of channel 0, `message:…` for a message, payloads in hexadecimal. */
function collect(channels = [0, 1]): { reader: InterleavedReader; got: string[] } {
  const got: string[] = []
  const reader = new InterleavedReader({
    onPacket: (channel, bytes, start, end) =>
      got.push(`${channel}:${Buffer.from(bytes.subarray(start, end)).toString('hex')}`),
    onMessage: (bytes, start, end) => got.push(`message:${Buffer.from(bytes.subarray(start, end)).toString('latin1')}`),
  })
  for (const channel of channels) reader.setChannel(channel, channel % 2 === 0 ? 'rtp' : 'rtcp')
  return { reader, got }
}

function push(reader: InterleavedReader, bytes: Uint8Array): number {
  arena.fill(0xee, 0, carryRoomBytes)
  arena.set(bytes, carryRoomBytes)
  return reader.push(arena, carryRoomBytes, carryRoomBytes + bytes.length)
}

function pushCut(reader: InterleavedReader, bytes: Uint8Array, cuts: number[]): void {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...at, bytes.length]) {
    push(reader, bytes.subarray(from, to))
    from = to
  }
}

function frame(channel: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([0x24, channel, payload.length >> 8, payload.length & 255]), payload])
}

/** A packet as RFC 3550 §5.1 lists it: version 2, payload type 96, sequence number, time stamp, SSRC, then `body`. */
function rtp(sequence: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.from([0x80, 0x60, (sequence >> 8) & 255, sequence & 255, 0, 0, 0, 1, 0xca, 0xfe, 0xba, 0xbe]),
    body,
  ])
}

/** An empty receiver report (RFC 3550 §6.4.2): version 2, type 201, one word follows, SSRC. */
const rtcp = Buffer.from([0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe])

const response = 'RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n'
const responseWithBody = 'RTSP/1.0 200 OK\r\nCSeq: 8\r\nContent-Length: 9\r\n\r\nv=0\r\ns=$\n'

const packetArb = fc.oneof(
  fc
    .tuple(
      fc.nat(0xffff),
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 900, maxLength: 1400 })),
    )
    .map(([sequence, body]) => {
      const payload = rtp(sequence, body)
      return { bytes: frame(0, payload), got: `0:${Buffer.from(payload).toString('hex')}` }
    }),
  fc.constant({ bytes: frame(1, rtcp), got: `1:${rtcp.toString('hex')}` }),
)
const partArb = fc.oneof(
  { weight: 6, arbitrary: packetArb },
  { weight: 1, arbitrary: fc.constant({ bytes: Buffer.from(response) as Uint8Array, got: `message:${response}` }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      bytes: Buffer.from(responseWithBody) as Uint8Array,
      got: `message:${responseWithBody}`,
    }),
  },
)
const cutsArb = fc.array(fc.nat(20_000), { maxLength: 40 })

describe('interleaved reader', () => {
  it('hands on packets and messages in the order of the stream', () => {
    const { reader, got } = collect()

    push(reader, Buffer.concat([Buffer.from(response), frame(0, rtp(1, Buffer.from('a'))), frame(1, rtcp)]))

    assert.deepEqual(got, [
      `message:${response}`,
      '0:80600001' + '00000001' + 'cafebabe' + '61',
      '1:80c90001' + 'cafebabe',
    ])
  })

  it('gives the same packets however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(partArb, { minLength: 1, maxLength: 20 }), cutsArb, (parts, cuts) => {
        const { reader, got } = collect()

        pushCut(reader, Buffer.concat(parts.map((part) => part.bytes)), cuts)

        assert.deepEqual(
          got,
          parts.map((part) => part.got),
        )
        assert.equal(reader.skippedBytes, 0)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same packets when every byte comes alone', () => {
    const { reader, got } = collect()
    const stream = Buffer.concat([Buffer.from(responseWithBody), frame(0, rtp(1, Buffer.alloc(70))), frame(1, rtcp)])

    for (const byte of stream) push(reader, Uint8Array.of(byte))

    assert.equal(got.length, 3)
    assert.equal(got[0], `message:${responseWithBody}`)
  })

  it('loses no packet that follows garbage', () => {
    const partsArb = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), packetArb), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(partsArb, cutsArb, (parts, cuts) => {
        const { reader, got } = collect()
        // Garbage that happens to hold the start of a frame or a message is a lie, not garbage: others test those.
        const clean = parts.map(([garbage, packet]) => ({
          garbage: garbage.map((byte) => (byte === 0x24 ? 0x25 : byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)),
          packet,
        }))
        const first = [frame(0, rtp(0, Buffer.alloc(8))), frame(1, rtcp)]

        pushCut(reader, Buffer.concat([...first, ...clean.flatMap((part) => [part.garbage, part.packet.bytes])]), cuts)

        got.splice(0, first.length)
        assert.deepEqual(
          got,
          parts.map(([, packet]) => packet.got),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('is not led astray by a frame start inside garbage', () => {
    const { reader, got } = collect()
    const trap = Buffer.from([1, 2, 3, 0x24, 0, 0x40, 0, 0x80, 0x60, 0, 0])
    const packets = Array.from({ length: 20 }, (_, i) => frame(0, rtp(i, Buffer.alloc(1000, i))))

    push(reader, Buffer.concat([frame(1, rtcp), trap, ...packets]))

    assert.equal(got.length, 21)
    assert.equal(reader.skippedBytes, trap.length)
  })

  it('finds its way again after a frame whose length lies, either way', () => {
    for (const lie of [-700, -4, -1, 1, 3, 500, 5000, 60_000]) {
      const { reader, got } = collect()
      const liar = frame(0, rtp(1, Buffer.alloc(2000, 0x11)))
      const told = 2012 + lie
      liar[2] = told >> 8
      liar[3] = told & 255
      const packets = Array.from({ length: 100 }, (_, i) => frame(0, rtp(i, Buffer.alloc(1000, 0x22))))

      push(reader, Buffer.concat([liar, ...packets, frame(1, rtcp)]))

      assert.equal(got.at(-1), `1:${rtcp.toString('hex')}`, `lie of ${lie}`)
      assert.ok(got.length >= 100 - Math.ceil(Math.max(0, lie) / 1016), `lie of ${lie}: ${got.length} packets`)
    }
  })

  it('goes on where a message announces a body and sends none', () => {
    const { reader, got } = collect()
    const liar = 'RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 500\r\n\r\n'

    push(reader, Buffer.concat([Buffer.from(liar), frame(0, rtp(1, Buffer.alloc(20))), frame(1, rtcp)]))

    assert.deepEqual(
      got.map((item) => item.split(':')[0]),
      ['message', '0', '1'],
    )
  })

  it('hands on the head alone where a body of more than 1 MiB is announced', () => {
    const { reader, got } = collect()
    const head = 'RTSP/1.0 200 OK\r\ncontent-length : 99999999999\r\n\r\n'

    push(reader, Buffer.concat([Buffer.from(head), frame(0, rtp(1, Buffer.alloc(20)))]))

    assert.equal(got[0], `message:${head}`)
    assert.equal(got.length, 2)
  })

  it('takes a body longer than one read', () => {
    const { reader, got } = collect()
    const body = 'a=x\r\n'.repeat(40_000)
    const message = Buffer.from(`RTSP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)

    for (let i = 0; i < message.length; i += 1460) push(reader, message.subarray(i, i + 1460))

    assert.deepEqual(got, [`message:${message.toString('latin1')}`])
  })

  it('keeps no more than one frame or one head of what a peer sends', () => {
    const { reader } = collect()
    const slowHead = Buffer.from(`RTSP/1.0 200 OK\r\nX: ${'y'.repeat(200_000)}`)
    let most = 0

    for (let i = 0; i < slowHead.length; i += 1000) most = Math.max(most, push(reader, slowHead.subarray(i, i + 1000)))

    assert.ok(most <= 64 * 1024)
  })

  it('passes over frames of channels that nobody set up', () => {
    const { reader, got } = collect([0, 1])

    push(reader, Buffer.concat([frame(6, rtp(1, Buffer.alloc(9))), frame(0, rtp(2, Buffer.alloc(9)))]))

    assert.equal(got.length, 1)
    assert.equal(reader.skippedBytes, 0)
  })

  it('hands on nothing after close, not even from within the same read', () => {
    const seen: number[] = []
    const reader: InterleavedReader = new InterleavedReader({
      onPacket: (channel) => {
        seen.push(channel)
        reader.close()
      },
      onMessage: () => undefined,
    })
    reader.setChannel(0, 'rtp')

    push(reader, Buffer.concat([frame(0, rtp(1, Buffer.alloc(9))), frame(0, rtp(2, Buffer.alloc(9)))]))

    assert.deepEqual(seen, [0])
  })

  it('never throws and never keeps much, whatever comes', () => {
    const sly = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .constantFrom('$', 'RTSP/1.', 'RTSP/1.0 200 OK\r\n', '\r\n\r\n', 'Content-Length: 70000\r\n', 'OPTIONS ')
        .map((text) => new Uint8Array(Buffer.from(text))),
      fc
        .constantFrom(
          [0x24, 0, 0xff, 0xff, 0x80, 96],
          [0x24, 1, 0, 8, 0x80, 200],
          [0x24, 0, 0, 0],
          [0x24, 0, 0, 2, 0x80],
        )
        .map((bytes) => Uint8Array.from(bytes)),
    )
    fc.assert(
      fc.property(fc.array(sly, { maxLength: 60 }), cutsArb, (parts, cuts) => {
        const { reader, got } = collect()

        pushCut(reader, Buffer.concat(parts), cuts)

        assert.ok(got.length <= 200)
      }),
      { numRuns: 1000 },
    )
  })
})
