import assert from 'node:assert/strict'
import { fragment, parseMoof } from '../../../server/media/mp4/fragment.ts'
import { parseMoov } from '../../../server/media/mp4/movie.ts'
import { LiveMux, oneFrameFragment } from '../../../server/stream/live-mux.ts'
import { testClip } from '../../support/footage.ts'

const defaults = { durationTicks: 0, sizeBytes: 0, flags: 0 }

describe('live mux', () => {
  it('writes a one-frame fragment as the movie library does', () => {
    for (const isKey of [true, false]) {
      const data = Uint8Array.of(1, 2, 3, 4, 5)
      const wanted = fragment(9, [
        { trackId: 2, decodeTicks: 2 ** 33 + 5, samples: [{ durationTicks: 3600, ctsTicks: 7200, isKey, data }] },
      ])

      const made = oneFrameFragment(2, 9, 2 ** 33 + 5, 3600, 7200, isKey, data)

      assert.deepEqual(new Uint8Array(made), wanted)
    }
  })

  it('keeps picture and sound of a run on one clock, whatever the composition offset', () => {
    const clip = testClip({ seconds: 2, bFrames: 2, sound: 'aac' })
    const mux = new LiveMux()
    mux.configure([clip.video.config, clip.audio!.config])
    const [key] = clip.video.samples
    const runUs = 1_790_000_000_000_000

    // Media time of a picture is its decode time and composition offset, that of sound its decode time.
    mux.begin(key!.dtsTicks, key!.ctsTicks, runUs + Math.round((key!.ctsTicks * 1e6) / 90_000))
    const editTicks = parseMoov(mux.pictureInit())[0]!.startOffsetTicks
    const shown = clip.video.samples.slice(0, 10).map((sample) => {
      const made = mux.picture(sample.isKey, sample.dtsTicks, sample.ctsTicks, sample.data)
      const range = parseMoof(made, 0, () => defaults)[0]!.samples[0]!
      return (range.dtsTicks + range.ctsTicks - editTicks) / 90_000 - (sample.dtsTicks + sample.ctsTicks) / 90_000
    })
    const heard = clip.audio!.samples.slice(2, 12).map((sample) => {
      const range = parseMoof(mux.aac(sample.dtsTicks, sample.data), 0, () => defaults)[0]!.samples[0]!
      return (range.dtsTicks - sample.dtsTicks) / 16_000
    })

    assert.equal(editTicks, key!.ctsTicks)
    for (const shiftSec of [...shown, ...heard]) assert.ok(Math.abs(shiftSec - shown[0]!) < 0.0001, `${shiftSec}`)
    assert.equal(mux.utcUsOf(shown[0]!), runUs)
  })

  it('never lets a run begin before the one it follows ended', () => {
    const clip = testClip({ seconds: 2 })
    const mux = new LiveMux()
    const times: number[] = []
    // The second run's clock was set back by an hour.
    for (const startUs of [1_790_000_000_000_000, 1_790_000_000_000_000 - 3_600_000_000]) {
      mux.configure([clip.video.config])
      mux.begin(0, 0, startUs)
      for (const sample of clip.video.samples.slice(0, 5)) {
        const made = mux.picture(sample.isKey, sample.dtsTicks, 0, sample.data)
        times.push(parseMoof(made, 0, () => defaults)[0]!.samples[0]!.dtsTicks)
      }
      assert.equal(mux.utcUsOf(times.at(-5)! / 90_000), startUs)
    }

    assert.deepEqual(
      times.map((ticks) => ticks - times[0]!),
      Array.from({ length: 10 }, (_, i) => i * 3600),
    )
  })
})
