import assert from 'node:assert/strict'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import type { FaultWish } from '../../../scripts/cameras/fault.ts'
import { FRAME_SEI_UUID } from '../../../scripts/cameras/frame-sei.ts'
import type { CameraSpec } from '../../../scripts/cameras/preset.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import {
  assertConsecutive,
  compareWithClip,
  type RecordedSample,
  readSegment,
  sequencesOf,
} from '../../support/recorded-stream.ts'
import { RecorderUnderTest, streamOf } from '../../support/recorder-under-test.ts'
import { until } from '../../support/source-recorder.ts'

// One recorder, a camera a fault, all at once: none may touch another, and the first has no fault at all.
const names = [
  'healthy',
  'stall',
  'cut',
  'reset',
  'garbage',
  'garbageInside',
  'lies',
  'denied',
  'timeJump',
  'timeJumpBack',
  'resize',
  'dropSound',
  'endless',
  'noKeyframe',
  'noPath',
  'unknownCodec',
  'noTracks',
  'silentPlay',
  'loss',
  'manyTracks',
] as const
type Name = (typeof names)[number]
const numberOf = (name: Name) => names.indexOf(name)

/** Faults that the camera has from the start. */
const fromStart: Partial<Record<Name, FaultWish>> = {
  noKeyframe: { noKeyframe: true },
  noPath: { refuseStatus: 404 },
  unknownCodec: { sdp: 'unknown-codec' },
  noTracks: { sdp: 'none' },
  silentPlay: { silentPlay: true },
  manyTracks: { sdp: 'many' },
}

/** Faults that come while it is recorded. */
const later: Partial<Record<Name, FaultWish>> = {
  stall: { stall: true },
  cut: { cut: 'packet' },
  reset: { cut: 'reset' },
  garbage: { garbageBytes: 5000 },
  garbageInside: { garbageInsideBytes: 3000 },
  lies: { lieBytes: 700 },
  denied: { denyLogin: true },
  timeJump: { rtpJumpSec: 3600 },
  timeJumpBack: { rtpJumpSec: -3600 },
  resize: { clip: 'sub' },
  dropSound: { dropAudio: true },
  endless: { endlessGop: true },
  loss: { lossPct: 2 },
}

describe('recorder and cameras at fault', () => {
  let farm: CameraFarm
  let recorder: RecorderUnderTest
  let faultUs = 0

  before(async function () {
    this.timeout(90_000)
    const cameras: CameraSpec[] = names.map((name) => ({
      name,
      streams: [{ name: 'main', clip: 'main', ...(name === 'dropSound' ? { audio: 'aac' as const } : {}) }],
      ...(name === 'denied' ? { password: 'right horse', auth: 'digest' as const } : {}),
    }))
    farm = await startSmallCameras({ cameras, spareClips: ['sub'], clips: { sub: { fps: 25 } } })
    for (const [name, wish] of Object.entries(fromStart)) farm.fault(name, wish)
    recorder = await RecorderUnderTest.start({ segmentSec: 4 })
    recorder.configure(
      names.map((name, number) => {
        const login = name === 'denied' ? { username: 'admin', password: 'right horse' } : {}
        return streamOf(number, farm.rtspUrl(number), login)
      }),
    )
    const good = names.filter((name) => fromStart[name] === undefined || name === 'manyTracks')
    await recorder.untilRecording(...good.map(numberOf))
    await new Promise((resolve) => setTimeout(resolve, 2500))
    faultUs = Date.now() * 1000
    for (const [name, wish] of Object.entries(later)) farm.fault(name, wish)
    // A login is only asked for when the camera is connected to anew.
    farm.fault('denied', { cut: 'reset' })
  })

  after(() => farm?.close())

  const health = (name: Name) => recorder.health(numberOf(name))
  const lost = (name: Name) =>
    recorder.eventsOf('occurrence', numberOf(name)).filter((one) => one.name === 'camera-lost')

  describe('that cannot be recorded from the start', () => {
    const cases: [Name, string, RegExp, number][] = [
      ['noPath', 'path', /404/, 10],
      ['unknownCodec', 'codec', /./, 10],
      ['noTracks', 'no-tracks', /./, 10],
      ['silentPlay', 'silent', /./, 15],
      ['noKeyframe', 'no-keyframe', /no keyframe/, 30],
    ]
    for (const [name, fault, detail, withinSec] of cases) {
      it(`says why: ${fault}`, async () => {
        await until(
          () => health(name)?.fault === fault,
          `${name} is ${fault}: ${health(name)?.fault}`,
          withinSec * 1000,
        )

        const told = health(name)!
        assert.match(told.faultDetail ?? '', detail)
        assert.equal(told.isRecording, false)
        assert.equal(told.notRecordingReason, 'camera-lost')
        assert.ok(recorder.gaps(numberOf(name)).includes(fault as 'path'))
        assert.deepEqual(recorder.files(numberOf(name)), [])
      })
    }

    it('takes the tracks it knows where a camera offers many', () => {
      assert.equal(health('manyTracks')?.isRecording, true)
    })
  })

  describe('that stalls', () => {
    it('is known to within 10 s, with its gap', async () => {
      await until(() => recorder.gaps(numberOf('stall')).includes('silent'), 'the stall seen', 15_000)

      const [gap] = recorder.eventsOf('gap-began', numberOf('stall')).filter(({ cause }) => cause === 'silent')
      const [told] = lost('stall')
      assert.ok(told !== undefined && told.atUs - faultUs < 12e6, `seen after ${(told!.atUs - faultUs) / 1e6} s`)
      assert.ok(Math.abs(gap!.startUs - faultUs) < 1e6, 'the gap begins where the footage ends')
      assert.equal(health('stall')?.state === 'live', false)
    })

    it('is recorded again within 5 s of its coming back', async () => {
      await until(() => recorder.gaps(numberOf('stall')).includes('silent'), 'the stall seen', 15_000)
      farm.fault('stall', null)
      const backMs = performance.now()

      const isOver = () => recorder.eventsOf('gap-ended', numberOf('stall')).some(({ cause }) => cause === 'silent')
      await until(isOver, 'recording again', 12_000)

      const tookMs = performance.now() - backMs
      assert.ok(tookMs < 8000, `${tookMs} ms`)
      await until(() => health('stall')?.fault === undefined, 'no fault any more')
    })
  })

  for (const name of ['cut', 'reset'] as const) {
    it(`records again after a ${name} amid a packet, in another run`, async () => {
      const number = numberOf(name)
      const isBack = () => recorder.eventsOf('gap-ended', number).some(({ cause }) => cause !== 'stopped')
      await until(isBack, 'recording again', 15_000)

      const [gap] = recorder.eventsOf('gap-ended', number).filter(({ cause }) => cause !== 'stopped')
      assert.ok(['closed-by-camera', 'connection'].includes(gap!.cause), gap!.cause)
      assert.ok(gap!.endUs - gap!.startUs < 8e6, `${(gap!.endUs - gap!.startUs) / 1e6} s`)
      assert.equal(lost(name).length, 1)
    })
  }

  it('tries a login that is refused at most once in 10 s, and says what failed', async () => {
    await until(() => health('denied')?.fault === 'login', 'the login refused', 15_000)
    const since = recorder.eventsOf('gap-began', numberOf('denied')).length

    assert.match(health('denied')?.faultDetail ?? '', /401/)
    assert.ok(!(health('denied')?.faultDetail ?? '').includes('right horse'))
    const retryMs = health('denied')?.retryMs
    assert.ok(retryMs !== undefined)
    assert.equal(recorder.eventsOf('gap-began', numberOf('denied')).length, since)
    assert.ok(recorder.gaps(numberOf('denied')).length <= 2)
  })

  describe('when all is over', () => {
    before(async function () {
      this.timeout(60_000)
      // Twice the length of a segment for the endless one, and two more for the rest.
      const isLong = () => recorder.eventsOf('segment-closed', numberOf('healthy')).length >= 5
      await until(isLong, 'twenty seconds of footage', 45_000)
      farm.fault('endless', null)
      await recorder.stop()
    })

    const segments = (name: Name) => recorder.files(numberOf(name)).map(readSegment)
    const frames = (name: Name) => segments(name).flatMap(({ video }) => video)
    const runs = (name: Name) => new Set(segments(name).map(({ head }) => head.runId)).size

    it('has every frame of the camera without a fault, in one run', () => {
      const numbers = compareWithClip(frames('healthy'), farm.cameras[0]!, 0)

      assertConsecutive(numbers)
      assert.ok(numbers.length > 400)
      assert.equal(runs('healthy'), 1)
      assert.deepEqual(recorder.gaps(0), [])
    })

    it('has every other frame of cameras that sent garbage, whole', () => {
      for (const name of ['garbage', 'garbageInside', 'lies'] as const) {
        const number = numberOf(name)
        const isAsSent = (frame: RecordedSample) => {
          try {
            compareWithClip([frame], farm.cameras[number]!, number)
            return true
          } catch {
            return false
          }
        }
        const recorded = frames(name)
        const whole = recorded.filter(isAsSent)
        // Garbage within a packet's length cannot be told from its payload: one frame may hold some.
        assert.ok(recorded.length - whole.length <= (name === 'garbage' ? 0 : 1), `${name}: torn frames`)
        const numbers = sequencesOf(whole)
        const missing = numbers.at(-1)! - numbers[0]! + 1 - numbers.length

        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        )
        // Where it did not find its way in the same session, a new one begins with a keyframe.
        assert.ok(missing <= 25 * 8, `${name}: ${missing} frames missing`)
        assert.ok(numbers.length > 300, `${name}: ${numbers.length} frames`)
      }
    })

    it('has only whole frames of a camera that loses packets', () => {
      const number = numberOf('loss')
      // The packet that holds a frame's mark may be lost too.
      const marked = frames('loss').filter(({ data }) => data.indexOf(FRAME_SEI_UUID) >= 0)
      const numbers = compareWithClip(marked, farm.cameras[number]!, number)

      assert.ok(marked.length > 200)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
      assert.equal(runs('loss'), 1)
    })

    it('goes on with another run where a camera’s time jumps, and loses no frame', () => {
      for (const name of ['timeJump', 'timeJumpBack'] as const) {
        const number = numberOf(name)
        assertConsecutive(compareWithClip(frames(name), farm.cameras[number]!, number), name)
        assert.equal(runs(name), 2, name)
        assert.deepEqual(recorder.gaps(number), ['clock-step'], name)
        const times = frames(name).map(({ utcUs }) => utcUs)
        assert.ok(times.at(-1)! - times[0]! < 60e6, `${name}: its times follow ours`)
      }
    })

    it('begins another segment of the same run where the picture changes its size', () => {
      assert.equal(runs('resize'), 1)
      const rows = recorder.eventsOf('segment-closed', numberOf('resize')).map(({ row }) => row)
      const sizes = rows.map(({ widthPx, heightPx }) => `${widthPx}x${heightPx}`)
      assert.deepEqual([...new Set(sizes)], ['320x192', '160x96'])
      assert.deepEqual(recorder.gaps(numberOf('resize')), [])
      assertConsecutive(sequencesOf(frames('resize')))
    })

    it('goes on with the picture where the sound stops', () => {
      assertConsecutive(
        compareWithClip(frames('dropSound'), farm.cameras[numberOf('dropSound')]!, numberOf('dropSound')),
      )
      assert.deepEqual(recorder.gaps(numberOf('dropSound')), [])
      const sound = segments('dropSound').map(({ audio }) => audio.length)
      assert.ok(sound[0]! > 20)
      assert.equal(sound.at(-1), 0)
    })

    it('goes on where no keyframe comes, and asks for one once', () => {
      const asked = recorder.eventsOf('occurrence', numberOf('endless')).filter((one) => one.name === 'keyframe-wanted')
      assert.equal(asked.length, 1)
      assert.match(asked[0]!.message, /^Camera \d+, stream 1: /)
      assertConsecutive(sequencesOf(frames('endless')))
      assert.deepEqual(recorder.gaps(numberOf('endless')), [])
    })

    it('logged no bug', () => {
      const bugs = recorder
        .log()
        .split('\n')
        .filter((line) => /a bug|ended by a bug/.test(line))
      assert.deepEqual(bugs, [])
      assert.ok(!recorder.log().includes('right horse'))
    })
  })
})
