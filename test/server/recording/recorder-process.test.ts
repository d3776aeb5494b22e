import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { readFrameMark } from '../../../scripts/cameras/frame-sei.ts'
import type { TrackConfig } from '../../../server/media/track.ts'
import type { LiveReader } from '../../../server/stream/live-reader.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import { assertConsecutive, compareWithClip, nalUnits, readSegment } from '../../support/recorded-stream.ts'
import { cameraIdOf, RecorderUnderTest, streamOf } from '../../support/recorder-under-test.ts'
import { decodedFrames, sequenceOf } from '../../support/recording-rig.ts'
import { until } from '../../support/source-recorder.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A viewer that notes all it is given. */
class Viewer implements LiveReader {
  readonly configs: TrackConfig[][] = []
  readonly ends: string[] = []
  readonly samples: { isKey: boolean; isBurst: boolean; dtsTicks: number; utcUs: number; data: Buffer }[] = []
  readonly sound: { isBurst: boolean; dtsTicks: number; data: Buffer }[] = []

  config(tracks: TrackConfig[]): void {
    this.configs.push(tracks)
  }

  sample(
    track: 0 | 1 | 2,
    isKey: boolean,
    isBurst: boolean,
    dtsTicks: number,
    _ctsTicks: number,
    utcUs: number,
    data: Uint8Array,
  ): void {
    if (track === 0) this.samples.push({ isKey, isBurst, dtsTicks, utcUs, data: Buffer.from(data) })
    if (track === 1) this.sound.push({ isBurst, dtsTicks, data: Buffer.from(data) })
  }

  ended(reason: string): void {
    this.ends.push(reason)
  }

  numbers(): number[] {
    return this.samples.map(({ data }) => readFrameMark(data)!.sequence)
  }
}

describe('recorder process', () => {
  let farm: CameraFarm

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({
      cameras: [0, 1, 2].map((i) => ({
        name: `cam${i}`,
        streams: [{ name: 'main', clip: 'main', audio: 'aac' as const }],
        ...(i === 2 ? { password: 'seven seals', auth: 'digest' as const } : {}),
      })),
    })
  })

  after(() => farm?.close())

  const urls = () => [farm.rtspUrl(0), farm.rtspUrl(1)]
  const framesOf = (recorder: RecorderUnderTest, camera: number) =>
    recorder.files(camera).flatMap((path) => readSegment(path).video)
  const rowsOf = (recorder: RecorderUnderTest, camera: number) =>
    recorder.eventsOf('segment-closed', camera).map(({ row }) => row)

  describe('when the server goes', () => {
    it('records on without a lost frame, and tells the next one what it missed', async () => {
      const recorder = await RecorderUnderTest.start({ segmentSec: 2 })
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
      await recorder.leave()
      const closedBefore = recorder.eventsOf('segment-closed').length

      await pause(4500)
      assert.equal(recorder.eventsOf('segment-closed').length, closedBefore)
      await recorder.reconnect()
      await until(() => recorder.eventsOf('segment-closed').length >= closedBefore + 4, 'events of the time between')
      await recorder.stop()

      assert.equal(recorder.pids.length, 1)
      for (const camera of [0, 1]) {
        const numbers = compareWithClip(framesOf(recorder, camera), farm.cameras[camera]!, camera)
        assertConsecutive(numbers)
        assert.ok(numbers.length > 100)
        assert.deepEqual(recorder.gaps(camera), [])
      }
      const sequences = recorder.eventsOf('segment-closed').map(({ row }) => row.sequence)
      assert.equal(new Set(sequences).size, sequences.length, 'each is told once')
      // What the recorder closes when it ends is left to the next start, which looks at the files.
      const found = [...recorder.files(0), ...recorder.files(1)].map(sequenceOf)
      const untold = found.filter((sequence) => !sequences.includes(sequence))
      assert.ok(untold.length <= 2 && untold.every((sequence) => sequence > Math.max(...sequences) - 2))
    })
  })

  describe('when it is killed', () => {
    it('is started again by the client, recovers its segments, and loses a second at most', async () => {
      const recorder = await RecorderUnderTest.start()
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
      await pause(3000)
      const killedUs = Date.now() * 1000
      recorder.kill('SIGKILL')

      await until(() => recorder.pids.length === 2, 'another recorder', 10_000)
      await until(() => rowsOf(recorder, 0).length === 1 && rowsOf(recorder, 1).length === 1, 'both recovered')
      await recorder.untilRecording(0, 1)
      await recorder.stop()

      assert.equal(recorder.disconnects, 1)
      for (const camera of [0, 1]) {
        const [recovered] = rowsOf(recorder, camera)
        assert.equal(recovered!.flags & 1, 1)
        assert.equal(recorder.files(camera).length, 2)
        const { video } = readSegment(recorder.files(camera)[0]!)
        assert.equal(recovered!.videoSamples, video.length)
        const lostUs = killedUs - readFrameMark(video.at(-1)!.data)!.sentUs
        assert.ok(lostUs < 1e6 + 100_000, `${lostUs} µs of camera ${camera} lost`)
        assertConsecutive(compareWithClip(video, farm.cameras[camera]!, camera))
        for (const path of recorder.files(camera)) assert.equal(decodedFrames(path).complaints, '')
      }
    })
  })

  describe('when it hangs', () => {
    it('is replaced within 10 s', async () => {
      const recorder = await RecorderUnderTest.start()
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
      const hungMs = performance.now()
      recorder.kill('SIGSTOP')

      await until(() => recorder.pids.length === 2, 'another recorder', 15_000)

      const tookMs = performance.now() - hungMs
      assert.ok(tookMs < 11_000, `${Math.round(tookMs)} ms`)
      await recorder.untilRecording(0, 1)
      assert.equal(recorder.isRunning(recorder.pids[0]), false)
      await recorder.stop()
    })
  })

  describe('when it is told to end', () => {
    it('closes every segment within 3 s of SIGTERM', async () => {
      const recorder = await RecorderUnderTest.start()
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
      await pause(1500)
      await recorder.leave()
      const { pid } = recorder
      const askedMs = performance.now()
      recorder.kill('SIGTERM')

      await until(() => !recorder.isRunning(pid), 'its end', 5000)

      const tookMs = performance.now() - askedMs
      assert.ok(tookMs < 3000, `${Math.round(tookMs)} ms`)
      for (const camera of [0, 1]) {
        assert.equal(recorder.files(camera).length, 1)
        assertConsecutive(compareWithClip(framesOf(recorder, camera), farm.cameras[camera]!, camera))
      }
    })

    it('says goodbye to its cameras', async () => {
      const recorder = await RecorderUnderTest.start()
      recorder.record([farm.rtspUrl(0)])
      await recorder.untilRecording(0)
      await recorder.stop()

      await until(() => farm.stats()[0]!.connectionsOpen === 0, 'the connection closed')
      assert.equal(recorder.isRunning(), false)
    })
  })

  describe('when no server is there', () => {
    it('starts alone from its last settings, and a server finds it', async () => {
      const first = await RecorderUnderTest.start()
      first.record(urls())
      await first.untilRecording(0, 1)
      await first.stop()
      const main = join(import.meta.dirname, '../../../server/recorder-main.ts')
      const child = spawn(process.execPath, [main], {
        env: { ...process.env, NIGHTJAR_DATA_DIR: first.dataDir },
        stdio: 'ignore',
      })
      try {
        const isWriting = () => first.files(0).length === 2 && first.files(1).length === 2
        await until(isWriting, 'another segment of each camera', 10_000)
        await pause(1000)

        const server = await RecorderUnderTest.start({ dataDir: first.dataDir })
        assert.deepEqual(server.pids, [child.pid])
        await server.untilRecording(0, 1)
        await server.stop()
        for (const camera of [0, 1]) {
          assert.ok(compareWithClip(framesOf(first, camera), farm.cameras[camera]!, camera).length > 25)
        }
      } finally {
        if (child.exitCode === null && child.kill()) await once(child, 'exit')
      }
    })

    it('ends at once where another recorder is there, and leaves that one alone', async () => {
      const recorder = await RecorderUnderTest.start()
      recorder.record([farm.rtspUrl(0)])
      await recorder.untilRecording(0)
      const main = join(import.meta.dirname, '../../../server/recorder-main.ts')

      const run = () =>
        execFileSync(process.execPath, [main], {
          env: { ...process.env, NIGHTJAR_DATA_DIR: recorder.dataDir },
          stdio: 'pipe',
        })

      assert.throws(run, { status: 3 })
      const before = recorder.status
      await until(() => recorder.status !== before, 'a status')
      assert.equal(recorder.health(0)?.isRecording, true)
      assert.equal(readFileSync(join(recorder.dataDir, 'recorder.pid'), 'utf8').trim(), String(recorder.pid))
      await recorder.stop()
    })
  })

  describe('settings', () => {
    let recorder: RecorderUnderTest

    beforeEach(async () => {
      recorder = await RecorderUnderTest.start()
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
    })

    afterEach(() => recorder.stop())

    it('of one camera leave another’s run untouched', async () => {
      recorder.configure([streamOf(0, farm.rtspUrl(0)), streamOf(1, farm.rtspUrl(1), { hasAudio: false })])
      await until(() => rowsOf(recorder, 1).length === 1, 'the changed camera’s segment closed')
      await pause(1500)
      recorder.configure([streamOf(0, farm.rtspUrl(0))])
      await until(() => recorder.status?.streams.length === 1, 'a camera less')
      await pause(500)
      await recorder.stop()

      assert.equal(recorder.files(0).length, 1)
      assertConsecutive(compareWithClip(framesOf(recorder, 0), farm.cameras[0]!, 0))
      assert.deepEqual(recorder.gaps(0), [])
      assert.equal(recorder.files(1).length, 2)
      assert.equal(readSegment(recorder.files(1)[1]!).audio.length, 0)
    })

    it('that are sent again change nothing', async () => {
      for (let i = 0; i < 3; i++) recorder.record(urls())
      await pause(1500)
      await recorder.stop()

      for (const camera of [0, 1]) assert.equal(recorder.files(camera).length, 1)
    })

    it('hold no secret that can be read, nor does the log', async () => {
      const secrets = ['seven seals', 'six-trumpets']
      recorder.configure([
        streamOf(0, farm.rtspUrl(0).replace('rtsp://', 'rtsp://admin:six-trumpets@')),
        streamOf(2, farm.rtspUrl(2), { username: 'admin', password: 'seven seals' }),
        streamOf(1, farm.rtspUrl(2), { username: 'admin', password: 'six-trumpets' }),
      ])
      await recorder.untilRecording(2)
      await until(() => recorder.health(1)?.fault === 'login', 'the wrong password refused', 15_000)
      await recorder.stop()

      const told = JSON.stringify([recorder.events, recorder.status])
      for (const secret of secrets) {
        assert.ok(!recorder.log().includes(secret), 'the log')
        assert.ok(!told.includes(secret), 'what is told')
        const grep = () => execFileSync('grep', ['-rlF', secret, recorder.dataDir], { stdio: 'pipe' })
        assert.throws(grep, { status: 1 }, 'some file')
      }
    })
  })

  describe('viewers', () => {
    let recorder: RecorderUnderTest

    before(async () => {
      recorder = await RecorderUnderTest.start()
      recorder.record(urls())
      await recorder.untilRecording(0, 1)
    })

    after(() => recorder?.stop())

    it('start on the last keyframe, and see every later frame once, in order', async () => {
      recorder.client.wantSound(cameraIdOf(0), 1, true)
      for (let turn = 0; turn < 14; turn++) {
        const viewer = new Viewer()
        const unwatch = recorder.client.watch(cameraIdOf(0), 1, viewer)
        await until(() => viewer.samples.filter(({ isBurst }) => !isBurst).length >= 20, 'live frames')
        unwatch()

        const what = `turn ${turn}`
        assert.equal(viewer.samples[0]?.isKey, true, what)
        assertConsecutive(viewer.numbers(), what)
        const bursts = viewer.samples.map(({ isBurst }) => isBurst)
        assert.deepEqual(
          bursts,
          bursts.toSorted((a, b) => Number(b) - Number(a)),
          `${what}: the burst comes first`,
        )
        assert.ok(bursts.filter(Boolean).length <= 26, `${what}: from the last keyframe`)
        const ticks = viewer.sound.map(({ dtsTicks }) => dtsTicks)
        assert.ok(ticks.length > 5, `${what}: ${ticks.length} packets of sound`)
        for (let i = 1; i < ticks.length; i++) {
          assert.ok(ticks[i]! - ticks[i - 1]! > 512, `${what}: sound ${i} of ${ticks.length} comes twice`)
        }
        await pause(90)
      }
    })

    it('are sent no sound unless it is wanted, and none any more when it is not', async () => {
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(1), 1, viewer)
      await until(() => viewer.samples.length > 20, 'frames')
      assert.equal(viewer.sound.length, 0)

      recorder.client.wantSound(cameraIdOf(1), 1, true)
      await until(() => viewer.sound.length > 3, 'sound')
      recorder.client.wantSound(cameraIdOf(1), 1, false)
      const frames = viewer.samples.length
      await until(() => viewer.samples.length > frames + 10, 'more frames')
      const packets = viewer.sound.length
      await until(() => viewer.samples.length > frames + 30, 'yet more frames')
      unwatch()

      assert.equal(viewer.sound.length, packets)
    })

    it('are told how to read the stream first', async () => {
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(1), 1, viewer)
      await until(() => viewer.samples.length > 5, 'frames')
      unwatch()

      const [video, audio] = viewer.configs[0]!
      assert.ok(video?.codec === 'h264' && video.widthPx === 320 && video.sps instanceof Uint8Array)
      assert.equal(audio?.codec, 'aac')
      const frame = readFrameMark(viewer.samples[0]!.data)!
      assert.ok(Math.abs(viewer.samples[0]!.utcUs - frame.sentUs) < 1e6)
    })

    it('share one stream, and a later one joins it', async () => {
      const [first, second] = [new Viewer(), new Viewer()]
      const leaveFirst = recorder.client.watch(cameraIdOf(0), 1, first)
      await until(() => first.samples.length > 30, 'frames')
      const leaveSecond = recorder.client.watch(cameraIdOf(0), 1, second)
      await until(() => second.samples.length > 30, 'frames of the second')
      leaveFirst()
      const count = first.samples.length
      await until(() => second.samples.length > 60, 'more frames of the second')
      leaveSecond()

      assert.equal(first.samples.length, count)
      assert.equal(second.configs.length, 1)
      assertConsecutive(first.numbers())
      assertConsecutive(second.numbers())
    })

    it('get the newest keyframe on its own', async () => {
      const askedUs = Date.now() * 1000
      const found = await recorder.client.keyframe(cameraIdOf(0), 1)

      assert.ok(found !== undefined)
      const types = nalUnits(Buffer.from(found.data), 'length').map((nal) => nal[0]! & 0x1f)
      assert.ok(types.includes(5))
      assert.equal(found.config.codec, 'h264')
      assert.ok(askedUs - found.utcUs < 2.5e6, 'it is the newest')
      assert.equal(await recorder.client.keyframe(cameraIdOf(9), 1), undefined)
    })

    it('are told that a stream is not there, and see it once it is', async () => {
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(2), 1, viewer)
      await until(() => viewer.ends.length > 0, 'the end')
      const login = { username: 'admin', password: 'seven seals' }
      recorder.configure([...recorder.streams, streamOf(2, farm.rtspUrl(2), login)])

      await until(() => viewer.samples.length > 10, 'frames of the camera that was added', 12_000)

      assertConsecutive(viewer.numbers())
      unwatch()
    })

    it('see a stream again after its settings were changed', async () => {
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(1), 1, viewer)
      await until(() => viewer.samples.length > 10, 'frames')
      recorder.configure([
        ...recorder.streams.filter(({ cameraId }) => cameraId !== cameraIdOf(1)),
        streamOf(1, farm.rtspUrl(1), { cameraName: 'Another' }),
      ])
      await until(() => viewer.ends.length > 0, 'the end of the old run')
      const count = viewer.samples.length

      await until(() => viewer.samples.length > count + 20, 'frames again', 12_000)

      assert.equal(viewer.samples[count]?.isKey, true)
      unwatch()
    })

    it('see a stream that is not recorded too', async () => {
      recorder.configure([...recorder.streams.slice(0, 1), streamOf(1, farm.rtspUrl(1), { isRecorded: false })])
      await until(() => recorder.health(1)?.state === 'live' && recorder.health(1)?.isRecordWanted === false, 'live')
      await pause(1200)
      const files = recorder.files(1).length
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(1), 1, viewer)
      await until(() => viewer.samples.filter(({ isBurst }) => !isBurst).length > 30, 'frames')
      unwatch()

      assert.equal(viewer.samples[0]?.isKey, true)
      assertConsecutive(viewer.numbers())
      assert.equal(recorder.files(1).length, files)
    })

    it('see a camera again after it was gone', async () => {
      const viewer = new Viewer()
      const unwatch = recorder.client.watch(cameraIdOf(0), 1, viewer)
      await until(() => viewer.samples.length > 10, 'frames')
      farm.fault(0, { cut: 'reset' })
      await until(() => viewer.ends.length > 0, 'its end')
      const count = viewer.samples.length
      await until(() => viewer.samples.length > count + 10, 'frames again', 12_000)

      assert.equal(viewer.samples[count]?.isKey, true)
      assert.ok(viewer.configs.length >= 2)
      unwatch()
    })
  })
})
