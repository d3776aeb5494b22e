// The simulated cameras' clip, 1080p25 at 4 Mbit/s with AAC, as a recorder has it before it: whole frames.
import path from 'node:path'
import { audioSpecificConfig } from '../../../server/media/aac.ts'
import { joinLengthPrefixed, splitAnnexB } from '../../../server/media/annex-b.ts'
import { h264Nal, h264NalType, isH264Vcl, parseH264Sps } from '../../../server/media/h264.ts'
import type { TestClip } from '../../../test/support/footage.ts'
import { ClipCache } from '../../cameras/clip-cache.ts'
import { audioRecipe, VIDEO_RECIPES } from '../../cameras/clip-recipe.ts'
import { cacheFolder } from '../work-folder.ts'

const videoTimescale = 90_000
const sampleRateHz = 16_000
const samplesOfFrame = 1024

/** The clip; made by ffmpeg at first use. */
export async function loopedClip(): Promise<TestClip> {
  const cache = new ClipCache(path.join(cacheFolder, 'clips'))
  return { video: await picture(cache), audio: await sound(cache) }
}

async function picture(cache: ClipCache): Promise<TestClip['video']> {
  const recipe = VIDEO_RECIPES['main']!
  const { frames } = await cache.video(recipe)
  const units = frames.map((frame) => [...splitAnnexB(frame)])
  const ofType = (type: number) => units[0]!.find((nal) => h264NalType(nal[0]!) === type)!
  const sps = ofType(h264Nal.sps)
  const { widthPx, heightPx } = parseH264Sps(sps)
  const durationTicks = videoTimescale / recipe.fps
  return {
    config: {
      ...{ kind: 'video', codec: 'h264', timescale: videoTimescale, widthPx, heightPx },
      ...{ sps, pps: [ofType(h264Nal.pps)] },
    },
    samples: units.map((nals, i) => ({
      dtsTicks: i * durationTicks,
      ctsTicks: 0,
      durationTicks,
      isKey: nals.some((nal) => h264NalType(nal[0]!) === h264Nal.idr),
      data: joinLengthPrefixed(nals.filter((nal) => isH264Vcl(h264NalType(nal[0]!)))),
    })),
  }
}

async function sound(cache: ClipCache): Promise<NonNullable<TestClip['audio']>> {
  const recipe = audioRecipe('aac')
  const frames = adtsPayloads(await cache.audio(recipe))
  const config = audioSpecificConfig(sampleRateHz, 1)
  return {
    config: { kind: 'audio', codec: 'aac', timescale: sampleRateHz, config, sampleRateHz, channels: 1 },
    samples: frames.slice(0, Math.floor((recipe.seconds * sampleRateHz) / samplesOfFrame)).map((data, i) => ({
      ...{ dtsTicks: i * samplesOfFrame, ctsTicks: 0, durationTicks: samplesOfFrame, isKey: true, data },
    })),
  }
}

/** Access units without their ADTS headers (ISO/IEC 14496-3 §1.A.2.2). */
function adtsPayloads(bytes: Buffer): Uint8Array[] {
  const payloads: Uint8Array[] = []
  for (let at = 0; at + 7 <= bytes.length; ) {
    const headBytes = (bytes[at + 1]! & 1) === 0 ? 9 : 7
    const frameBytes = (bytes.readUInt32BE(at + 3) >>> 13) & 0x1fff
    payloads.push(bytes.subarray(at + headBytes, at + frameBytes))
    at += frameBytes
  }
  return payloads
}
