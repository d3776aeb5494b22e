import assert from 'node:assert/strict'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { readFrameMark } from '../../../scripts/cameras/frame-sei.ts'
import type { CameraSpec } from '../../../scripts/cameras/preset.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import {
  assertConsecutive,
  assertLoop,
  compareWithClip,
  nalUnits,
  type RecordedSegment,
  readSegment,
} from '../../support/recorded-stream.ts'
import { RecorderUnderTest } from '../../support/recorder-under-test.ts'
import { decodedFrames } from '../../support/recording-rig.ts'
import { until } from '../../support/source-recorder.ts'

const one = (name: string, clip: string, rest: object = {}): CameraSpec => ({
  name,
  streams: [{ name: 'main', clip, ...rest }],
})

describe('recorded footage', () => {
  let farm: CameraFarm
  let recorder: RecorderUnderTest
  let segments: RecordedSegment[][]

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({
      cameras: [
        one('plain', 'main', { audio: 'aac' }),
        one('reordered', 'bframes', { audio: 'pcma' }),
        one('h265', 'h265', { audio: 'pcmu', metadata: true }),
        one('mjpeg', 'mjpeg'),
        one('silent', 'main'),
      ],
      rtspsPort: 0,
    })
    recorder = await RecorderUnderTest.start({ segmentSec: 3 })
    recorder.record(farm.cameras.map((_, i) => (i === 4 ? farm.rtspsUrl(i) : farm.rtspUrl(i))))
    const closed = (camera: number) => recorder.eventsOf('segment-closed', camera).length
    await until(() => farm.cameras.every((_, i) => closed(i) >= 2), 'two segments of each camera', 30_000)
    await recorder.stop()
    segments = farm.cameras.map((_, i) => recorder.files(i).map(readSegment))
  })

  after(() => farm?.close())

  const video = (camera: number) => segments[camera]!.flatMap((segment) => segment.video)
  const audio = (camera: number) => segments[camera]!.flatMap((segment) => segment.audio)
  const soundOf = (camera: number, skip: number) =>
    farm.cameras[camera]!.streams[0]!.tracks[1]!.clip.frames.map(({ bytes }) => bytes.subarray(skip))

  it('holds every frame as it was sent, H.264 and H.265, with and without B-frames, over TCP and TLS', () => {
    for (const camera of [0, 1, 2, 4]) {
      const numbers = compareWithClip(video(camera), farm.cameras[camera]!, camera)

      assert.ok(numbers.length >= 150, `${numbers.length} frames of camera ${camera}`)
      assertConsecutive(numbers, `camera ${camera}`)
    }
  })

  it('holds every picture of a Motion JPEG camera', () => {
    const { raw } = farm.cameras[3]!.streams[0]!
    const scanOf = (jpeg: Buffer) => jpeg.subarray(jpeg.indexOf(Buffer.of(0xff, 0xda)) + 14)

    assertLoop(
      video(3).map(({ data }) => scanOf(data)),
      raw.frames.map(scanOf),
      'pictures',
    )
    assert.ok(video(3).every(({ isKey }) => isKey))
  })

  it('holds sound as it was sent: AAC, A-law and µ-law', () => {
    // Before the payload: 4 bytes of interleaving, 12 of RTP, and 4 of AU headers in AAC.
    assertLoop(
      audio(0).map(({ data }) => data),
      soundOf(0, 20),
      'AAC',
    )
    assertLoop(
      audio(1).map(({ data }) => data),
      soundOf(1, 16),
      'A-law',
    )
    assertLoop(
      audio(2).map(({ data }) => data),
      soundOf(2, 16),
      'µ-law',
    )
    assert.ok(audio(0).length > 80 && audio(1).length > 250 && audio(2).length > 250)
  })

  it('holds ONVIF metadata as a track', () => {
    const documents = segments[2]!.flatMap((segment) => segment.metadata.map(({ data }) => data.toString()))

    assert.ok(documents.length >= 4)
    for (const document of documents) assert.match(document, /^<\?xml.*<tt:MetadataStream.*<\/tt:MetadataStream>$/)
  })

  it('shows B-frames in their order', () => {
    const displayIndexes = farm.cameras[1]!.streams[0]!.raw.displayIndexes
    const shown = video(1).toSorted((a, b) => a.utcUs - b.utcUs)
    const firstIndex = Math.floor(0.6180339887 * displayIndexes.length)
    const places = shown.map(({ data }) => {
      const frame = (firstIndex + readFrameMark(data)!.sequence) % displayIndexes.length
      return displayIndexes[frame]!
    })

    assert.ok(video(1).some(({ ctsTicks }) => ctsTicks > 3600))
    assert.ok(video(1).every(({ ctsTicks }) => ctsTicks >= 0))
    // Of the last pictures some were still to come.
    for (let i = 1; i < places.length - 3; i++) {
      assert.equal(places[i], (places[i - 1]! + 1) % displayIndexes.length, `picture ${i}`)
    }
  })

  it('keeps the time when each frame was taken', () => {
    for (const camera of [0, 2, 4]) {
      for (const { data, utcUs } of video(camera)) {
        const lateUs = utcUs - readFrameMark(data)!.sentUs
        assert.ok(Math.abs(lateUs) < 1e6, `camera ${camera}: ${lateUs} µs late`)
      }
    }
  })

  it('keeps sound beside the picture', () => {
    for (const camera of [0, 1, 2]) {
      const [pictures, sounds] = [video(camera), audio(camera)]
      assert.ok(Math.abs(pictures[0]!.utcUs - sounds[0]!.utcUs) < 500_000, `camera ${camera} begins together`)
      assert.ok(Math.abs(pictures.at(-1)!.utcUs - sounds.at(-1)!.utcUs) < 500_000, `camera ${camera} ends together`)
    }
  })

  it('is one run in segments that begin with a keyframe and follow each other without a gap', () => {
    for (const [camera, list] of segments.entries()) {
      assert.equal(new Set(list.map(({ head }) => head.runId)).size, 1, `camera ${camera}`)
      assert.deepEqual(
        list.map(({ head }) => head.runIndex),
        list.map((_, i) => i),
      )
      assert.ok(list.every((segment) => segment.video[0]!.isKey))
      assert.deepEqual(recorder.gaps(camera), [])
      const rows = recorder.eventsOf('segment-closed', camera).map(({ row }) => row)
      for (let i = 1; i < rows.length; i++) {
        assert.ok(Math.abs(rows[i]!.startUs - rows[i - 1]!.endUs) <= 2000, `camera ${camera}, segment ${i}`)
      }
    }
  })

  it('is told of with the right counts', () => {
    for (const [camera, list] of segments.entries()) {
      const rows = recorder.eventsOf('segment-closed', camera).map(({ row }) => row)
      for (const row of rows) {
        const segment = list.find(({ head }) => head.segmentId === row.segmentId)
        assert.equal(segment?.video.length, row.videoSamples)
        assert.equal(segment?.audio.length, row.audioSamples)
      }
    }
  })

  it('is played by ffmpeg without a complaint, with every frame', () => {
    for (const [camera, list] of segments.entries()) {
      for (const [i, path] of recorder.files(camera).entries()) {
        assert.deepEqual(decodedFrames(path), { frames: list[i]!.video.length, complaints: '' }, path)
      }
    }
  })

  it('holds no parameter sets in its samples', () => {
    for (const { data } of video(0)) {
      for (const nal of nalUnits(data, 'length')) assert.ok(![7, 8].includes(nal[0]! & 0x1f))
    }
  })
})
