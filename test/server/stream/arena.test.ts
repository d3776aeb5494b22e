import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Arena, largestSlotBytes } from '../../../server/stream/arena.ts'
import { WatchedArena } from '../../support/watched-arena.ts'

const mib = 1024 * 1024

describe('arena', () => {
  it('keeps its slots away from the read buffer and what is carried before it', () => {
    const arena = new Arena(4 * mib)

    const slot = arena.take(1)!

    assert.ok(arena.readStart > 0)
    assert.ok(slot.offset >= arena.readStart + arena.readBytes)
    assert.equal(slot.sizeBytes, 64 * 1024)
  })

  it('gives slots in powers of two that hold what was asked for', () => {
    const arena = new Arena(64 * mib)

    const sizes = [1, 65_536, 65_537, 300_000, largestSlotBytes].map((bytes) => arena.take(bytes)?.sizeBytes)

    assert.deepEqual(sizes, [65_536, 65_536, 131_072, 524_288, largestSlotBytes])
  })

  it('refuses what is larger than any slot, and what it has no room for', () => {
    const arena = new Arena(2 * mib)

    assert.equal(arena.take(largestSlotBytes + 1), undefined)
    assert.equal(arena.take(2 * mib), undefined)
    assert.notEqual(arena.take(64 * 1024), undefined)
  })

  it('gives the slot released last first', () => {
    const arena = new Arena(8 * mib)
    const [first, second] = [arena.take(1)!, arena.take(1)!]
    arena.release(second)
    arena.release(first)

    assert.equal(arena.take(1), first)
    assert.equal(arena.take(1), second)
  })

  it('gives a larger slot where no other is left, and has it back whole', () => {
    const arena = new Arena(2 * mib)
    const large = arena.take(mib)!
    while (arena.take(1) !== undefined);
    arena.release(large)

    const taken = arena.take(1)

    assert.equal(taken, large)
    arena.release(large)
    assert.equal(arena.take(mib), large)
  })

  it('never gives the same bytes to two', () => {
    const steps = fc.array(fc.record({ take: fc.boolean(), bytes: fc.integer({ min: 1, max: 2 * mib }) }), {
      maxLength: 80,
    })
    fc.assert(
      fc.property(steps, (wanted) => {
        const arena = new WatchedArena(8 * mib)

        for (const step of wanted) {
          const [held] = arena.held
          if (step.take) arena.take(step.bytes)
          else if (held !== undefined) arena.release(held)
        }

        for (const slot of arena.held) assert.ok(slot.offset + slot.sizeBytes <= arena.bytes.length)
      }),
      { numRuns: 30 },
    )
  })
})
