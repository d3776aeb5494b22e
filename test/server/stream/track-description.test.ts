import assert from 'node:assert/strict'
import type { VideoTrack } from '../../../server/media/track.ts'
import { VideoDescription } from '../../../server/stream/track-description.ts'
import { testClip } from '../../support/footage.ts'

const nothing = new Uint8Array(0)
const small = () => testClip({ seconds: 1, sizePx: '160x96' }).video.config as VideoTrack & { codec: 'h264' }
const large = () => testClip({ seconds: 1, sizePx: '320x180' }).video.config as VideoTrack & { codec: 'h264' }

describe('video description', () => {
  it('is not enough to decode by until its parameter sets came', () => {
    const { sps, pps } = small()
    const description = new VideoDescription({ ...small(), sps: nothing, pps: [], widthPx: 0, heightPx: 0 })
    assert.equal(description.isComplete, false)

    description.add('sps', sps)
    for (const set of pps) description.add('pps', set)

    assert.equal(description.isComplete, false, 'sets count from the next keyframe on')
    assert.equal(description.settle(), true)
    assert.equal(description.isComplete, true)
    assert.deepEqual([description.track.widthPx, description.track.heightPx], [160, 96])
  })

  it('is the same where the camera repeats its sets with every keyframe', () => {
    const description = new VideoDescription(small())
    for (let keyframe = 0; keyframe < 3; keyframe++) {
      description.add('sps', small().sps)
      for (const set of small().pps) description.add('pps', set)

      assert.equal(description.settle(), false)
    }
  })

  it('is another where the picture becomes another', () => {
    const description = new VideoDescription(small())
    description.add('sps', large().sps)
    for (const set of large().pps) description.add('pps', set)

    assert.equal(description.settle(), true)
    assert.deepEqual([description.track.widthPx, description.track.heightPx], [320, 180])
    assert.equal(description.settle(), false)
  })

  it('is another where a picture parameter set is new, and keeps every one that came', () => {
    const description = new VideoDescription(small())
    const other = Uint8Array.of(0x68, 0x5b, 0x8f, 0x20)
    for (const set of small().pps) description.add('pps', set)
    description.add('pps', other)

    assert.equal(description.settle(), true)
    const { track } = description
    assert.ok(track.codec === 'h264')
    assert.deepEqual(track.pps, [...small().pps, other])
  })

  it('keeps its size where a set is damaged', () => {
    const description = new VideoDescription(small())
    description.add('sps', Uint8Array.of(0x67, 0x42))

    description.settle()

    assert.deepEqual([description.track.widthPx, description.track.heightPx], [160, 96])
  })

  it('bounds what a camera may send between two keyframes', () => {
    const description = new VideoDescription(small())
    for (let i = 0; i < 1000; i++) description.add('pps', Uint8Array.of(0x68, i >> 8, i & 0xff))
    description.settle()

    const { track } = description
    assert.ok(track.codec === 'h264' && track.pps.length <= 32)
  })

  it('tells how many frames are reordered', () => {
    const reordered = testClip({ seconds: 1, bFrames: 2 }).video.config
    // B-frames that lean on each other, as x264 makes of two in a row: ffprobe calls it has_b_frames=2.
    assert.equal(new VideoDescription(reordered).reorderDepth, 2)
    assert.equal(new VideoDescription(small()).reorderDepth, 0)
    assert.equal(new VideoDescription({ ...small(), sps: nothing }).reorderDepth, 0)
  })

  it('takes the size of a JPEG picture from the picture', () => {
    const description = new VideoDescription({
      kind: 'video',
      codec: 'mjpeg',
      timescale: 90_000,
      widthPx: 0,
      heightPx: 0,
    })
    assert.equal(description.isComplete, true)

    assert.equal(description.setSize(640, 360), true)
    assert.equal(description.setSize(640, 360), false)
    assert.equal(description.track.widthPx, 640)
  })
})
