import assert from 'node:assert/strict'
import fc from 'fast-check'
import { copyBytes, copyOf } from '../../../server/media/copy-bytes.ts'
import { makeSharedMemory } from '../../../server/stream/shared-memory.ts'

describe('shared memory', () => {
  const memory = makeSharedMemory(100_000)
  const bytes = new Uint8Array(memory.buffer)

  it('has whole pages of 64 KiB', () => {
    assert.equal(memory.buffer.byteLength, 131_072)
  })

  it('moves bytes as copyWithin does, overlapping or not', () => {
    const place = fc.nat(400)
    fc.assert(
      fc.property(place, place, place, fc.infiniteStream(fc.nat(255)), (to, from, count, values) => {
        for (let i = 0; i < 1000; i++) bytes[i] = values.next().value!
        const expected = Uint8Array.from(bytes.subarray(0, 1000)).copyWithin(to, from, from + count)

        memory.move(to, from, count)

        assert.deepEqual(Uint8Array.from(bytes.subarray(0, 1000)), expected)
      }),
      { numRuns: 200 },
    )
  })

  it('throws past the end, and moves nothing', () => {
    bytes[131_071] = 7

    assert.throws(() => memory.move(131_072 - 10, 0, 11), WebAssemblyError)
    assert.equal(bytes[131_071], 7)
  })

  it('is copied out of and into', () => {
    bytes.set([1, 2, 3, 4, 5], 50)

    const copy = copyOf(bytes, 51, 54)
    copyBytes(copy, 1, 3, bytes, 60)

    assert.deepEqual([...copy], [2, 3, 4])
    assert.deepEqual([...bytes.subarray(60, 62)], [3, 4])
    assert.ok(!(copy.buffer instanceof SharedArrayBuffer))
  })
})

/** What an instruction that traps throws. */
const WebAssemblyError = (globalThis as unknown as { WebAssembly: { RuntimeError: new () => Error } }).WebAssembly
  .RuntimeError
