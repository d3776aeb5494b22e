import assert from 'node:assert/strict'
import { framesDue, framesGivenUp, framesMissing } from '../../../../scripts/bench/stall/missing-frames.ts'
import type { CameraStats } from '../../../../scripts/cameras/camera.ts'

/** A connection with sound, and picture from the first to the last of these frames. */
function connection(firstSequence: number, lastSequence: number, dropped: number): CameraStats['connections'][number] {
  const counts = { sent: 1, dropped, backlogEvents: 0, firstSequence, lastSequence }
  const tracks = [
    { ...counts, kind: 'audio' as const, firstSequence: 0, lastSequence: 99_999, dropped: 77 },
    { ...counts, kind: 'video' as const },
  ]
  return { stream: 'main', isPlaying: true, sentBytes: 0, backlogBytes: 0, tracks }
}

function camera(closed: CameraStats['closed'], connections: CameraStats['connections']): CameraStats {
  return { name: 'c', connectionsMade: 1, connectionsOpen: 1, generated: {}, connections, closed }
}

describe('missing frames', () => {
  it('are due from the first of all connections to the last', () => {
    const stats = camera([connection(50, 149, 3)], [connection(250, 349, 4)])

    assert.equal(framesDue(stats), 300)
    assert.equal(framesGivenUp(stats), 7)
  })

  it('are none of a camera that sent nothing', () => {
    assert.equal(framesDue(camera([], [connection(-1, -1, 0)])), 0)
    assert.equal(framesDue(camera([], [])), 0)
  })

  it('are those between the first and the last in the files', () => {
    assert.equal(framesMissing(100, { frames: 120, lost: 3, gaps: 1 }), 3)
  })

  it('are counted where recording ended too early, or never began', () => {
    assert.equal(framesMissing(100, { frames: 60, lost: 0, gaps: 0 }), 40)
    assert.equal(framesMissing(100, { frames: 0, lost: 0, gaps: 0 }), 100)
  })
})
