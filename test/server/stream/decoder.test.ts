import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { parseJpegSize } from '../../../server/media/jpeg.ts'
import { fragment } from '../../../server/media/mp4/fragment.ts'
import { initSegment } from '../../../server/media/mp4/movie.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { type TestClip, testClip } from '../../support/footage.ts'

describe('decoder', () => {
  let decoder: Decoder
  beforeEach(() => {
    decoder = new Decoder()
  })
  afterEach(() => decoder.close())

  const keysOf = (clip: TestClip) => clip.video.samples.filter((sample) => sample.isKey)

  it('gives each camera its own picture, image by image, while they take turns', async () => {
    const clips = [
      testClip({ seconds: 6, sizePx: '640x360' }),
      testClip({ seconds: 6, sizePx: '320x240', bFrames: 2 }),
      testClip({ seconds: 6, sizePx: '1280x720' }),
    ]
    const expected = clips.map((clip) => keysOf(clip).map((sample) => alone(clip, sample.data)))

    for (let round = 0; round < 6; round++) {
      for (const [i, clip] of clips.entries()) {
        const picture = await decoder.picture(clip.video.config, keysOf(clip)[round]!.data, 320)

        assert.equal(parseJpegSize(picture).widthPx, 320)
        const seen = grey(picture)
        const distances = expected.map((ofClip) => ofClip.map((other) => distance(seen, other)))
        const best = Math.min(...distances.flat())
        assert.equal(distances[i]![round], best, `round ${round}, camera ${i}`)
        assert.ok(best < 3, `it looks the same: ${best}`)
      }
    }
    assert.equal(decoder.childCount, 1)
  })

  it('decodes H.265 and scales MJPEG', async () => {
    const h265 = testClip({ seconds: 2, codec: 'h265', sizePx: '640x360' })
    const mjpeg = testClip({ seconds: 2, codec: 'mjpeg', sizePx: '640x360' })

    const fromH265 = await decoder.picture(h265.video.config, h265.video.samples[0]!.data, 300)
    const asIs = await decoder.picture(mjpeg.video.config, mjpeg.video.samples[0]!.data, 640)
    const scaled = await decoder.picture(mjpeg.video.config, mjpeg.video.samples[0]!.data, 160)
    const later = await decoder.picture(mjpeg.video.config, mjpeg.video.samples[40]!.data, 160)

    assert.deepEqual(parseJpegSize(fromH265), { widthPx: 320, heightPx: 180 })
    assert.equal(asIs, mjpeg.video.samples[0]!.data)
    assert.deepEqual(parseJpegSize(scaled), { widthPx: 160, heightPx: 90 })
    assert.ok(distance(grey(later), grey(mjpeg.video.samples[40]!.data)) < 4)
    assert.ok(distance(grey(scaled), grey(later)) > 1, 'the second is another picture')
  })

  it('answers many at once with no more children than it may have', async () => {
    const clip = testClip({ seconds: 6, sizePx: '640x360' })
    const widths = [160, 320, 640]

    const pictures = await Promise.all(
      keysOf(clip).flatMap((sample) => widths.map((width) => decoder.picture(clip.video.config, sample.data, width))),
    )

    assert.deepEqual(
      pictures.map((picture) => parseJpegSize(picture).widthPx),
      keysOf(clip).flatMap(() => widths),
    )
    assert.ok(decoder.childCount <= 2)
  })

  it('fails what cannot be decoded, and decodes what comes after it', async () => {
    const impatient = new Decoder({ timeoutMs: 700 })
    try {
      const clip = testClip({ seconds: 2, sizePx: '640x360' })
      const { config, samples } = clip.video
      const garbage = Uint8Array.from([0, 0, 0, 40, 0x65, 0x88, ...new Uint8Array(38).fill(0xff)])

      await impatient.picture(config, samples[0]!.data, 320)
      await assert.rejects(impatient.picture(config, Uint8Array.from([0, 0, 0, 2, 0x67, 1]), 320), { kind: 'corrupt' })
      const damaged = impatient.picture(config, garbage, 320)
      const whole = impatient.picture(config, samples[25]!.data, 320)

      await damaged.catch(() => undefined)
      assert.ok(distance(grey(await whole), alone(clip, samples[25]!.data)) < 3)
    } finally {
      impatient.close()
    }
  })

  it('ends children that nobody uses', async () => {
    const brief = new Decoder({ idleMs: 50 })
    try {
      const clip = testClip({ seconds: 2, sizePx: '640x360' })
      await brief.picture(clip.video.config, clip.video.samples[0]!.data, 320)
      assert.equal(brief.childCount, 1)

      await new Promise((resolve) => setTimeout(resolve, 150))

      assert.equal(brief.childCount, 0)
    } finally {
      brief.close()
    }
  })

  it('fails where ffmpeg cannot be started', async () => {
    const broken = new Decoder({ ffmpegPath: '/nonexistent/ffmpeg' })
    const clip = testClip({ seconds: 2, sizePx: '640x360' })

    await assert.rejects(broken.picture(clip.video.config, clip.video.samples[0]!.data, 320), { kind: 'corrupt' })
    broken.close()
  })

  it('gives the exact picture of an instant, B-frames and all', async () => {
    const clip = testClip({ seconds: 2, bFrames: 2, sizePx: '640x360' })
    const { config, samples } = clip.video
    const movie = Buffer.concat([
      initSegment({ tracks: [{ id: 1, config, startOffsetTicks: samples[0]!.ctsTicks }] }),
      fragment(1, [{ trackId: 1, decodeTicks: 0, samples }]),
    ])
    const frames = rawFrames(movie)

    for (const frame of [0, 1, 7, 24, 33]) {
      const picture = await decoder.pictureAt(movie, frame * 3600, 640)
      const seen = grey(picture)
      const distances = frames.map((other) => distance(seen, other))
      assert.equal(distances.indexOf(Math.min(...distances)), frame)
    }
    await assert.rejects(decoder.pictureAt(movie, 1800, 640), { kind: 'corrupt' })
  })
})

const greyArgs = ['-vf', 'scale=64:36,format=gray', '-f', 'rawvideo', '-']

/** A picture as 64 × 36 greys. */
function grey(jpeg: Uint8Array): Uint8Array {
  return execFileSync('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', '-', ...greyArgs], { input: jpeg })
}

/** What ffmpeg makes of a keyframe by itself. */
function alone(clip: TestClip, data: Uint8Array): Uint8Array {
  const { config } = clip.video
  const movie = Buffer.concat([
    initSegment({ tracks: [{ id: 1, config }] }),
    fragment(1, [{ trackId: 1, decodeTicks: 0, samples: [{ durationTicks: 3600, ctsTicks: 0, isKey: true, data }] }]),
  ])
  return execFileSync('ffmpeg', ['-v', 'error', '-f', 'mp4', '-i', '-', ...greyArgs], { input: movie })
}

function rawFrames(movie: Uint8Array): Uint8Array[] {
  const raw = execFileSync('ffmpeg', ['-v', 'error', '-f', 'mp4', '-i', '-', ...greyArgs], { input: movie })
  return Array.from({ length: raw.length / (64 * 36) }, (_, i) => raw.subarray(i * 64 * 36, (i + 1) * 64 * 36))
}

/** Mean difference of two pictures in grey levels. */
function distance(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length)
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length
}
