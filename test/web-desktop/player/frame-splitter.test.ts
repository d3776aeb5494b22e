import assert from 'node:assert/strict'
import { FrameSplitter } from '../../../web-desktop/player/frame-splitter.ts'

/** As RFC 6455 §5.2 lists them: FIN and opcode, length, payload. */
function frame(opcode: number, payload: Uint8Array): number[] {
  const { length } = payload
  const head = new DataView(new ArrayBuffer(8))
  head.setBigUint64(0, BigInt(length))
  const long = [...new Uint8Array(head.buffer)]
  const size = length < 126 ? [length] : length < 65_536 ? [126, ...long.slice(6)] : [127, ...long]
  return [0x80 | opcode, ...size, ...payload]
}

describe('FrameSplitter', () => {
  const sizes = [0, 1, 125, 126, 300, 65_535, 65_536]
  const payloads = sizes.map((size, n) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + n) & 255))
  const bytes = Uint8Array.from(payloads.flatMap((payload) => frame(2, payload)).concat(frame(9, new Uint8Array(0))))

  for (const pieceBytes of [1, 2, 3, 127, 1000, 70_000, bytes.length]) {
    it(`gives every frame whole where the network cuts every ${pieceBytes} bytes`, () => {
      const splitter = new FrameSplitter()
      const found = []
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        found.push(...splitter.push(bytes.slice(at, at + pieceBytes)))
      }

      assert.deepEqual(
        found.map(({ opcode, payload }) => [opcode, payload.length]),
        [...sizes.map((size) => [2, size]), [9, 0]],
      )
      for (const [i, payload] of payloads.entries()) assert.deepEqual(found[i]!.payload, payload)
    })
  }

  it('refuses what is no such frame, or longer than any', () => {
    assert.throws(() => new FrameSplitter().push(new TextEncoder().encode('<html>')), /this is no frame/)
    assert.throws(() => new FrameSplitter().push(Uint8Array.of(0x82, 127, 0, 1, 0, 0, 0, 0, 0, 0)), /a frame of/)
  })
})
