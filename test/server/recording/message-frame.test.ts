import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  FrameReader,
  jsonFrame,
  keyframeFrame,
  type LiveSampleHead,
  liveSampleFrame,
  messageTypes,
  parseJsonPayload,
  parseLiveSample,
} from '../../../server/recording/message-frame.ts'
import { maxMessageBytes } from '../../../server/recording/recorder-protocol.ts'

/** Gives a reader bytes in pieces, and collects the frames. */
function readAll(pieces: Buffer[]): [number, string][] {
  const reader = new FrameReader()
  const frames: [number, string][] = []
  for (const piece of pieces) reader.push(piece, (type, payload) => frames.push([type, payload.toString('hex')]))
  return frames
}

const head: LiveSampleHead = {
  watchNumber: 65_535,
  track: 'audio',
  isKey: true,
  isBurst: true,
  dtsTicks: 2 ** 40 + 1,
  ctsTicks: -3,
  utcUs: 1_795_348_800_123_456,
}

describe('message frame', () => {
  it('is a length, a type and a payload', () => {
    assert.equal(jsonFrame({ a: 1 }).toString('latin1'), '\0\0\0\x08\x01{"a":1}')
  })

  it('carries byte arrays within JSON', () => {
    const message = { tracks: [{ sps: Uint8Array.of(0x67, 0, 255), pps: [new Uint8Array(0)] }], n: null, s: '$bytes' }

    const read = parseJsonPayload(jsonFrame(message).subarray(5))

    assert.deepEqual(read, message)
  })

  it('carries a live sample', () => {
    const bytes = Uint8Array.of(9, 1, 2, 3, 9)
    const frame = liveSampleFrame(head, bytes, 1, 4)
    assert.equal(frame[4], messageTypes.liveSample)

    const { head: read, data } = parseLiveSample(frame.subarray(5))

    assert.deepEqual(read, head)
    assert.deepEqual([...data], [1, 2, 3])
  })

  it('carries a keyframe behind the number that asked for it', () => {
    const frame = keyframeFrame(0xfedcba98, Uint8Array.of(1, 2))

    assert.equal(frame.toString('hex'), '0000000703fedcba980102')
  })

  it('is found however the stream is cut', () => {
    const messages = fc.array(fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.nat(), { noNullPrototype: true })), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sent, cuts) => {
        const all = Buffer.concat(sent.map((message) => jsonFrame(message)))
        const pieces: Buffer[] = []
        for (let at = 0, i = 0; at < all.length; i++) {
          const size = cuts[i % cuts.length]!
          pieces.push(all.subarray(at, at + size))
          at += size
        }

        const read = readAll(pieces).map(([, payload]) => parseJsonPayload(Buffer.from(payload, 'hex')))

        assert.deepEqual(read, sent)
      }),
    )
  })

  it('is refused where its length is 0 or beyond what either side accepts', () => {
    const length = (bytes: number) => {
      const frame = Buffer.alloc(5)
      frame.writeUInt32BE(bytes)
      return frame
    }

    assert.throws(() => readAll([length(0)]), RangeError)
    assert.throws(() => readAll([length(maxMessageBytes + 1)]), RangeError)
    assert.throws(() => readAll([Buffer.from('GET / HTTP/1.1\r\n')]), RangeError)
    assert.deepEqual(readAll([length(maxMessageBytes)]), [])
  })
})
