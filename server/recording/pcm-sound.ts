// Recorded G.711 as a WAV file, for browsers: they play no G.711.
import { aLawTable, muLawTable } from '../media/g711.ts'
import { trackIds } from '../media/segment/segment-layout.ts'
import type { G711Track } from '../media/track.ts'
import { g711Packets } from './clip-sound.ts'
import type { FootageOf, FootageReader, Stretch } from './segment-reader.ts'

export interface PcmSound {
  /** 16-bit PCM in a WAV file; what was not recorded within it is silent. */
  wav: Buffer
  /** When it begins, UTC microseconds. */
  startUs: number
}

/** The longest span answered, in microseconds: ten minutes. */
export const longestSoundUs = 600_000_000

const wavHeadBytes = 44

/** The G.711 sound of a span; undefined where there is none, or it is AAC. */
export async function readPcmSound(
  reader: FootageReader,
  of: FootageOf,
  fromUs: number,
  toUs: number,
): Promise<PcmSound | undefined> {
  const stretches: Stretch[] = []
  let config: G711Track | undefined
  for await (const stretch of reader.stretches(of, fromUs, toUs)) {
    const own = stretch.segment.content.tracks.find(({ id }) => id === trackIds.audio)?.config
    if (own?.codec !== 'pcmu' && own?.codec !== 'pcma') continue
    config ??= own
    stretches.push(stretch)
  }
  if (config === undefined) return undefined
  const { channels, sampleRateHz } = config
  const table = config.codec === 'pcmu' ? muLawTable : aLawTable
  const longest = Math.ceil(((toUs - fromUs + 1_000_000) * sampleRateHz) / 1e6) * channels
  let pcm: Int16Array | undefined
  let startUs = 0
  let end = 0
  for await (const { utcUs, data } of g711Packets(reader, stretches, config, fromUs, toUs)) {
    if (pcm === undefined) {
      pcm = new Int16Array(longest)
      startUs = Math.round(utcUs)
    }
    let at = Math.round(((utcUs - startUs) * sampleRateHz) / 1e6) * channels
    // Packets follow one another to the sample where their times say so within rounding.
    if (Math.abs(at - end) <= channels * 2) at = end
    for (let i = 0; i < data.length && at + i < longest; i++) pcm[at + i] = table[data[i]!]!
    end = Math.max(end, Math.min(longest, at + data.length))
  }
  if (pcm === undefined || end === 0) return undefined
  return { wav: wavFile(pcm.subarray(0, end), channels, sampleRateHz), startUs }
}

function wavFile(pcm: Int16Array, channels: number, sampleRateHz: number): Buffer {
  const file = Buffer.alloc(wavHeadBytes + pcm.length * 2)
  file.write('RIFF', 0, 'latin1')
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WAVEfmt ', 8, 'latin1')
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20) // PCM
  file.writeUInt16LE(channels, 22)
  file.writeUInt32LE(sampleRateHz, 24)
  file.writeUInt32LE(sampleRateHz * channels * 2, 28)
  file.writeUInt16LE(channels * 2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36, 'latin1')
  file.writeUInt32LE(pcm.length * 2, 40)
  for (let i = 0; i < pcm.length; i++) file.writeInt16LE(pcm[i]!, wavHeadBytes + i * 2)
  return file
}
