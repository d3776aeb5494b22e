import assert from 'node:assert/strict'
import { Arena } from '../../../server/stream/arena.ts'
import { type Fragment, headRoomBytes } from '../../../server/stream/fragment-builder.ts'
import { GopMemory } from '../../../server/stream/gop-memory.ts'

const arena = new Arena(64 * 1024 * 1024)

function fragmentOf(isKey: boolean, dataBytes: number, fill: number): Fragment {
  const slot = arena.take(headRoomBytes + dataBytes)!
  const dataAt = slot.offset + headRoomBytes
  arena.bytes.fill(fill, dataAt, dataAt + dataBytes)
  const { bytes, view } = arena
  return { slot, bytes, view, dataAt, dataEnd: dataAt + dataBytes, tracks: [], isKey, isLossBefore: false, mediaUs: 0 }
}

const fills = (memory: GopMemory) => memory.fragments.map(({ fragment }) => fragment.bytes[fragment.dataAt])

describe('GOP memory', () => {
  it('keeps what came since the last keyframe', () => {
    const memory = new GopMemory()
    for (const [isKey, fill] of [
      [false, 1],
      [true, 2],
      [false, 3],
      [true, 4],
      [false, 5],
      [false, 6],
    ] as const) {
      memory.add(fragmentOf(isKey, 100, fill), fill)
    }

    assert.deepEqual(fills(memory), [4, 5, 6])
    assert.deepEqual(
      memory.fragments.map(({ utcUs }) => utcUs),
      [4, 5, 6],
    )
  })

  it('keeps copies, since the slots are given back', () => {
    const memory = new GopMemory()
    const fragment = fragmentOf(true, 100, 7)
    memory.add(fragment, 0)
    arena.bytes.fill(0, fragment.dataAt, fragment.dataEnd)

    assert.deepEqual(fills(memory), [7])
  })

  it('gives up a group that is too long, until the next keyframe', () => {
    const memory = new GopMemory()
    memory.add(fragmentOf(true, 5_000_000, 1), 0)
    memory.add(fragmentOf(false, 5_000_000, 2), 0)
    memory.add(fragmentOf(false, 10, 3), 0)
    assert.deepEqual(fills(memory), [])

    memory.add(fragmentOf(true, 10, 4), 0)
    assert.deepEqual(fills(memory), [4])
  })

  it('has nothing after it was cleared', () => {
    const memory = new GopMemory()
    memory.add(fragmentOf(true, 10, 1), 0)
    memory.clear()
    memory.add(fragmentOf(false, 10, 2), 0)

    assert.deepEqual(fills(memory), [])
  })
})
