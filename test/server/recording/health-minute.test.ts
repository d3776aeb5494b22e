import assert from 'node:assert/strict'
import { HealthMinutes } from '../../../server/recording/health-minute.ts'
import { HealthStore } from '../../../server/recording/health-store.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { describeOnBoth } from '../../support/test-database.ts'

const minuteMs = 60_000

function healthOf(change: Partial<StreamHealth>): StreamHealth {
  return {
    cameraId: 'gate',
    stream: 1,
    state: 'live',
    sinceMs: 0,
    lostPackets: 0,
    droppedFrames: 0,
    isRecordWanted: true,
    isRecording: true,
    viewers: 0,
    ...change,
  }
}

describe('a minute of health', () => {
  it('holds means, what was lost in it, and the seconds it was live', () => {
    const minutes = new HealthMinutes()
    minutes.add([healthOf({ lostPackets: 7 })], minuteMs - 1)

    minutes.add([healthOf({ fps: 25, bitrateKbps: 4000, lostPackets: 7, droppedFrames: 1 })], minuteMs)
    minutes.add([healthOf({ fps: 15, bitrateKbps: 2000, lostPackets: 10, droppedFrames: 1 })], minuteMs + 1000)
    minutes.add([healthOf({ state: 'lost', lostPackets: 10, droppedFrames: 1 })], minuteMs + 2000)
    const points = minutes.add([healthOf({})], 2 * minuteMs)

    assert.deepEqual(points, [
      {
        cameraId: 'gate',
        stream: 1,
        atMs: minuteMs,
        fps: 13.33,
        bitrateKbps: 2000,
        lostPackets: 3,
        droppedFrames: 1,
        liveSec: 2,
      },
    ])
  })

  it('counts from nothing again when a new run begins its counters anew', () => {
    const minutes = new HealthMinutes()
    minutes.add([healthOf({ lostPackets: 100 })], 0)

    minutes.add([healthOf({ lostPackets: 4 })], 1000)
    const [point] = minutes.add([], minuteMs)

    assert.equal(point!.lostPackets, 4)
  })

  it('has no point of a stream that is off', () => {
    const minutes = new HealthMinutes()
    minutes.add([healthOf({ state: 'off' })], 0)

    assert.deepEqual(minutes.add([], minuteMs), [])
  })
})

describeOnBoth('the health store', 'index', (database) => {
  const point = {
    cameraId: 'gate',
    stream: 1,
    atMs: minuteMs,
    fps: 24.97,
    bitrateKbps: 3999.5,
    lostPackets: 1,
    droppedFrames: 2,
    liveSec: 60,
  }

  it('gives the points of a camera by stream, oldest first, without the old ones', async () => {
    const store = new HealthStore(database())
    await store.put([
      { ...point, atMs: 3 * minuteMs },
      { ...point, atMs: 2 * minuteMs },
      { ...point, stream: 2, atMs: 2 * minuteMs },
      point,
      { ...point, cameraId: 'yard' },
    ])
    await store.put([{ ...point, atMs: 3 * minuteMs, liveSec: 30 }])

    const { history } = await store.list('gate', 2 * minuteMs)

    assert.deepEqual(
      history.map(({ stream, points }) => [stream, points.map(({ atMs, liveSec }) => [atMs / minuteMs, liveSec])]),
      [
        [
          1,
          [
            [2, 60],
            [3, 30],
          ],
        ],
        [2, [[2, 60]]],
      ],
    )
    const { cameraId: _cameraId, stream: _stream, ...shown } = point
    assert.deepEqual(history[0]!.points[0], { ...shown, atMs: 2 * minuteMs })
  })

  it('is pruned', async () => {
    const store = new HealthStore(database())
    await store.put([point, { ...point, atMs: 5 * minuteMs }])

    await store.prune(5 * minuteMs)

    assert.equal((await store.list('gate', 0)).history[0]!.points.length, 1)
  })
})
