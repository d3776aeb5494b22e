import assert from 'node:assert/strict'
import { MarkScanner } from '../../../scripts/bench/record/lost-frames.ts'
import { buildFrameSei, patchFrameMark } from '../../../scripts/cameras/frame-sei.ts'

/** A frame's bytes with its mark somewhere inside. */
function frame(sequence: number): Buffer {
  const { nal, markOffset } = buildFrameSei('h264')
  patchFrameMark(nal, markOffset, sequence, 1_700_000_000_000_000)
  return Buffer.concat([Buffer.alloc(40, 0x11), nal, Buffer.alloc(60, 0x22)])
}

describe('MarkScanner', () => {
  it('finds every frame wherever the bytes are cut', () => {
    const bytes = Buffer.concat([7, 8, 9, 10].map(frame))
    for (const step of [1, 13, 28, 29, 30, 64, 1000]) {
      const scanner = new MarkScanner()
      for (let at = 0; at < bytes.length; at += step) scanner.push(bytes.subarray(at, at + step))
      assert.deepEqual(scanner.presence(), { frames: 4, lost: 0, gaps: 0 }, `in pieces of ${step}`)
    }
  })

  it('counts what is missing between the first and the last, and a repeat once', () => {
    const scanner = new MarkScanner()
    for (const sequence of [5, 6, 6, 9, 10, 15]) scanner.push(frame(sequence))
    assert.deepEqual(scanner.presence(), { frames: 5, lost: 6, gaps: 2 })
  })

  it('finds nothing in bytes without a mark', () => {
    const scanner = new MarkScanner()
    scanner.push(Buffer.alloc(1000, 0x6e))
    assert.deepEqual(scanner.presence(), { frames: 0, lost: 0, gaps: 0 })
  })
})
