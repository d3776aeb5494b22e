import assert from 'node:assert/strict'
import { decodeG711, g711Silence } from '../../../server/media/g711.ts'
import { ffmpeg, TempFolder } from './ffmpeg.ts'

describe('G.711', () => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

  it('decodes the ends and the middle of both laws', () => {
    assert.deepEqual([...decodeG711('pcmu', Uint8Array.of(0x00, 0x80, 0x7f, 0xff))], [-32124, 32124, 0, 0])
    assert.deepEqual([...decodeG711('pcma', Uint8Array.of(0x2a, 0xaa, 0x55, 0xd5))], [-32256, 32256, -8, 8])
  })

  it('decodes every byte as ffmpeg does', () => {
    const folder = new TempFolder()
    try {
      const path = folder.file('bytes', everyByte)
      for (const [codec, format] of [
        ['pcmu', 'mulaw'],
        ['pcma', 'alaw'],
      ] as const) {
        const pcm = ffmpeg('-f', format, '-ar', '8000', '-ac', '1', '-i', path, '-f', 's16le', '-')

        const decoded = decodeG711(codec, everyByte)

        assert.deepEqual(Buffer.from(decoded.buffer), pcm)
      }
    } finally {
      folder.remove()
    }
  })

  it('has a byte of silence for each law', () => {
    assert.deepEqual([...decodeG711('pcmu', Uint8Array.of(g711Silence.pcmu))], [0])
    assert.deepEqual([...decodeG711('pcma', Uint8Array.of(g711Silence.pcma))], [8])
  })
})
