import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BoxSplitter, joined } from '../../../web-desktop/player/box-splitter.ts'

function box(type: string, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, type.charCodeAt(0))
  bytes.writeUInt32BE(sizeBytes)
  bytes.write(type, 4, 'latin1')
  return bytes
}

const init = Buffer.concat([box('ftyp', 24), box('moov', 90)])
const first = Buffer.concat([box('uuid', 48), box('moof', 60), box('mdat', 200)])
const second = Buffer.concat([box('moof', 60), box('mdat', 8)])
const whole = Buffer.concat([init, first, second, box('mfra', 30), init, second])

describe('the box splitter', () => {
  it('gives the same init segments and fragments however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 12 }), (at) => {
        const edges = [0, ...at, whole.length].sort((a, b) => a - b)
        const splitter = new BoxSplitter()

        const cuts = edges.slice(1).flatMap((end, i) => splitter.push(whole.subarray(edges[i], end)))

        assert.deepEqual(
          cuts.map((cut) => cut.kind),
          ['init', 'fragment', 'fragment', 'init', 'fragment'],
        )
        assert.deepEqual(Buffer.from(cuts[0]!.bytes), init)
        assert.deepEqual(Buffer.from(cuts[1]!.bytes), first)
        assert.deepEqual(Buffer.from(cuts[4]!.bytes), second)
      }),
    )
  })

  it('holds back fragments until an init segment came', () => {
    assert.deepEqual(new BoxSplitter().push(second), [])
  })

  it('fails on a box that cannot be', () => {
    assert.throws(() => new BoxSplitter().push(Buffer.from([0, 0, 0, 3, 0x6d, 0x6f, 0x6f, 0x66])), /3 bytes/)
    assert.throws(() => new BoxSplitter().push(Buffer.from([0xff, 0, 0, 0, 0x6d, 0x6f, 0x6f, 0x66])), /bytes/)
  })
})

describe('joined', () => {
  it('puts arrays one after another', () => {
    assert.deepEqual([...joined([Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)])], [1, 2, 3])
  })
})
