import assert from 'node:assert/strict'
import { aLawTable, decodeG711, muLawTable } from '../../../web-desktop/player/g711.ts'
import { parseWav } from '../../../web-desktop/player/pcm-feeder.ts'
import { toneWav } from '../support/contract-footage.ts'

describe('G.711', () => {
  it('has the values of ITU-T G.711, tables 1a to 2b', () => {
    // Decoder output in 16-bit steps: the largest, the smallest and zero of each law.
    const mu: [number, number][] = [
      [0x80, 32_124],
      [0x00, -32_124],
      [0xff, 0],
      [0x7f, 0],
      [0xfe, 8],
      [0xf0, 120],
      [0xef, 132],
    ]
    const a: [number, number][] = [
      [0xaa, 32_256],
      [0x2a, -32_256],
      [0xd5, 8],
      [0x55, -8],
      [0xd4, 24],
      [0x80, 5504],
    ]

    for (const [byte, value] of mu) assert.equal(Math.round(muLawTable[byte]! * 32_768) + 0, value, `µ ${byte}`)
    for (const [byte, value] of a) assert.equal(Math.round(aLawTable[byte]! * 32_768), value, `A ${byte}`)
  })

  it('is symmetric: the upper bit is the sign', () => {
    for (let byte = 0; byte < 128; byte++) {
      assert.equal(muLawTable[byte]! + muLawTable[byte + 128]!, 0)
      assert.equal(aLawTable[byte]! + aLawTable[byte + 128]!, 0)
    }
  })

  it('is decoded byte by byte', () => {
    assert.deepEqual([...decodeG711(Uint8Array.of(0xff, 0x80), 'mu')], [0, Math.fround(32_124 / 32_768)])
  })
})

describe('parseWav', () => {
  it('gives rate and samples', () => {
    const wav = toneWav(0, 500)

    const { sampleRateHz, samples } = parseWav(
      wav.buffer.slice(wav.byteOffset, wav.byteOffset + wav.length) as ArrayBuffer,
    )

    assert.equal(sampleRateHz, 8000)
    assert.equal(samples.length, 4000)
    assert.equal(samples[0], 0)
    assert.equal(samples[1], wav.readInt16LE(46))
  })

  it('fails on anything else', () => {
    assert.throws(() => parseWav(new ArrayBuffer(4)), /no WAV/)
    const stereo = toneWav(0, 10)
    stereo.writeUInt16LE(2, 22)
    const bytes = stereo.buffer.slice(stereo.byteOffset, stereo.byteOffset + stereo.length) as ArrayBuffer
    assert.throws(() => parseWav(bytes), /16-bit mono/)
  })
})
