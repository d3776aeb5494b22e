import assert from 'node:assert/strict'
import { ptzRenewMs } from '../../../../shared/ptz-limits.ts'
import { PtzDrive } from '../../../../web-desktop/apps/live-view/ptz-drive.ts'

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))
const left = { pan: -1, tilt: 0, zoom: 0 }
const right = { pan: 1, tilt: 0, zoom: 0 }
const up = { pan: 0, tilt: 1, zoom: 0 }

describe('what is pressed', () => {
  let told: string[]
  let failures: unknown[]
  let tookMs: number
  let refusal: Error | undefined
  let drive: PtzDrive

  beforeEach(() => {
    told = []
    failures = []
    tookMs = 5
    refusal = undefined
    const tell = async (what: string): Promise<void> => {
      told.push(what)
      await pause(tookMs)
      if (refusal !== undefined) throw refusal
    }
    drive = new PtzDrive(
      { move: ({ pan, tilt, zoom }) => tell(`${pan} ${tilt} ${zoom}`), stop: () => tell('stop') },
      (caught) => failures.push(caught),
    )
  })
  afterEach(() => drive.releaseAll())

  it('is told, said again while it stays pressed, and ended once', async () => {
    drive.press('key', right)
    await pause(ptzRenewMs * 1.5)
    drive.release('key')
    drive.release('key')
    await pause(ptzRenewMs * 1.5)

    assert.deepEqual(told, ['0.5 0 0', '0.5 0 0', 'stop'])
  })

  it('is added up over its sources, at the speed chosen', async () => {
    drive.press('a', right)
    await pause(20)
    drive.press('b', up)
    await pause(20)
    drive.speed = 1
    await pause(20)
    drive.press('c', left)
    await pause(20)
    drive.releaseAll()
    await pause(20)

    assert.deepEqual(told, ['0.5 0 0', '0.5 0.5 0', '1 1 0', '0 1 0', 'stop'])
  })

  it('is told one at a time, the last wish last, however slow the camera', async () => {
    tookMs = 60
    drive.press('key', right)
    drive.press('other', up)
    drive.releaseAll()
    drive.press('key', left)
    drive.releaseAll()

    await pause(200)

    assert.deepEqual(told, ['0.5 0 0', 'stop'])
  })

  it('is let go where the camera refuses it, and that is told once', async () => {
    refusal = new Error('the camera refuses')
    drive.press('key', right)

    await pause(ptzRenewMs * 2)

    assert.deepEqual(told, ['0.5 0 0'])
    assert.deepEqual(failures, [refusal])
  })
})
