import assert from 'node:assert/strict'
import { PtzHead, type PtzState } from '../../../scripts/cameras/ptz-head.ts'
import { withSmallCameras } from './test-farm.ts'

describe('the head of a simulated camera', () => {
  let nowMs = 0
  let head: PtzHead
  const look = () => {
    const { pan, tilt, zoom, isMoving } = head.state
    return [pan, tilt, zoom, isMoving]
  }

  beforeEach(() => {
    nowMs = 1000
    head = new PtzHead(() => nowMs)
  })

  it('moves with time, at half a unit a second at full speed, and no further than its limits', () => {
    head.move({ pan: 1, tilt: -0.5 })
    nowMs += 1000
    assert.deepEqual(look(), [0.5, -0.25, 0, true])

    head.move({ zoom: 0.2 })
    nowMs += 500
    assert.deepEqual(look(), [0.75, -0.375, 0.05, true])

    nowMs += 10_000
    assert.deepEqual(look(), [1, -1, 1, true])
    head.stop()
    nowMs += 1000
    assert.deepEqual(look(), [1, -1, 1, false])
  })

  it('stands still after the time limit of a move', () => {
    head.move({ pan: -1 }, 400)

    nowMs += 5000

    assert.deepEqual(look(), [-0.2, 0, 0, false])
  })

  it('goes to where a preset was saved, and home', () => {
    head.move({ pan: 1 })
    nowMs += 1000
    const saved = head.savePreset('Gate') as { token: string }
    head.stop()
    head.goHome()
    nowMs += 500
    assert.deepEqual(look(), [0.25, 0, 0, true])
    nowMs += 5000
    assert.deepEqual(look(), [0, 0, 0, false])

    assert.equal(head.goToPreset(saved.token), true)

    nowMs += 5000
    assert.deepEqual(look(), [0.5, 0, 0, false])
    assert.equal(head.goToPreset('P9'), false)
  })

  it('keeps eight presets, each of another name', () => {
    for (let i = 1; i <= 8; i++) assert.deepEqual(head.savePreset(`Place ${i}`), { token: `P${i}` })

    assert.deepEqual(head.savePreset('Place 9'), { wrong: 'full' })
    assert.deepEqual(head.savePreset('Place 1', 'P2'), { wrong: 'name' })
    assert.deepEqual(head.savePreset('Second', 'P2'), { token: 'P2' })
    assert.deepEqual(head.savePreset('Second', 'P9'), { wrong: 'token' })
    assert.equal(head.removePreset('P1'), true)
    assert.equal(head.removePreset('P1'), false)
    assert.deepEqual(head.presets[0], { token: 'P2', name: 'Second' })
  })

  it('shows where it looks to the remote control', async function () {
    this.timeout(60_000)
    const streams = [{ name: 'main', clip: 'main' }]
    const cameras = [
      { name: 'cam1', streams, hasPtz: true },
      { name: 'cam2', streams },
    ]
    await withSmallCameras({ cameras }, async (farm) => {
      const url = `http://${farm.host}:${farm.httpPort}/control/ptz`
      farm.cameras[0]!.head!.savePreset('Gate')

      const answer = await fetch(`${url}/cam1`)

      const presets = [{ token: 'P1', name: 'Gate' }]
      assert.deepEqual((await answer.json()) as PtzState, { pan: 0, tilt: 0, zoom: 0, isMoving: false, presets })
      assert.equal((await fetch(`${url}/cam2`)).status, 404)
    })
  })
})
