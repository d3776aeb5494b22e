import assert from 'node:assert/strict'
import fc from 'fast-check'
import { scanBoxes } from '../../../../server/media/mp4/box-scanner.ts'
import { mettEntry, parseSampleEntry, sampleEntry } from '../../../../server/media/mp4/sample-entry.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'
import { Failure } from '../../../../shared/failure.ts'
import { pictureTrack, x264, x265 } from './clip.ts'

const handlers = { video: 'vide', audio: 'soun', metadata: 'meta' }

function readBack(config: TrackConfig): TrackConfig | undefined {
  const entry = sampleEntry(config)
  return parseSampleEntry(entry, [...scanBoxes(entry)][0]!, handlers[config.kind], config.timescale).config
}

const aac: TrackConfig = {
  kind: 'audio',
  codec: 'aac',
  timescale: 16000,
  config: Uint8Array.of(0x14, 0x08),
  sampleRateHz: 16000,
  channels: 1,
}

describe('sample entry', () => {
  it('reads back every codec it writes', () => {
    const tracks: TrackConfig[] = [
      pictureTrack(1, ...x264).config,
      pictureTrack(1, ...x265).config,
      { kind: 'video', codec: 'mjpeg', timescale: 90_000, widthPx: 704, heightPx: 576 },
      aac,
      { ...aac, config: Uint8Array.of(0x10, 0x10), sampleRateHz: 96_000, timescale: 96_000, channels: 2 },
      { kind: 'audio', codec: 'pcmu', timescale: 8000, sampleRateHz: 8000, channels: 1 },
      { kind: 'audio', codec: 'pcma', timescale: 16000, sampleRateHz: 16000, channels: 2 },
      { kind: 'metadata', codec: 'onvif-metadata', timescale: 90_000 },
    ]

    for (const track of tracks) assert.deepEqual(readBack(track), track)
  })

  it('writes mp4a as ISO/IEC 14496-14 §5.6 lists it', () => {
    assert.deepEqual(
      [...sampleEntry(aac)],
      [
        ...[0, 0, 0, 36 + 53 - 2, ...bytesOf('mp4a')],
        ...[0, 0, 0, 0, 0, 0], // reserved
        ...[0, 1], // data_reference_index
        ...[0, 0, 0, 0, 0, 0, 0, 0], // reserved
        ...[0, 1], // channelcount
        ...[0, 16], // samplesize
        ...[0, 0, 0, 0], // pre_defined, reserved
        ...[0x3e, 0x80, 0, 0], // samplerate 16000
        ...[0, 0, 0, 51, ...bytesOf('esds')],
        ...[0, 0, 0, 0], // version, flags
        ...[3, 0x80, 0x80, 0x80, 34], // ES_DescrTag
        ...[0, 0], // ES_ID
        0, // flags
        ...[4, 0x80, 0x80, 0x80, 20], // DecoderConfigDescrTag
        0x40, // objectTypeIndication: MPEG-4 audio
        0x15, // streamType audio, upStream, reserved
        ...[0, 0, 0], // bufferSizeDB
        ...[0, 0, 0, 0], // maxBitrate
        ...[0, 0, 0, 0], // avgBitrate
        ...[5, 0x80, 0x80, 0x80, 2], // DecSpecificInfoTag
        ...[0x14, 0x08], // AudioSpecificConfig
        ...[6, 0x80, 0x80, 0x80, 1], // SLConfigDescrTag
        2, // predefined
      ],
    )
  })

  it('writes mett as ISO/IEC 14496-12 §12.3.3 lists it', () => {
    assert.deepEqual(
      [...mettEntry('text/xml')],
      [
        ...[0, 0, 0, 26, ...bytesOf('mett')],
        ...[0, 0, 0, 0, 0, 0], // reserved
        ...[0, 1], // data_reference_index
        0, // content_encoding
        ...[...bytesOf('text/xml'), 0], // mime_format
      ],
    )
  })

  it('has no config for a codec it does not know', () => {
    const vp9 = sampleEntry({ kind: 'video', codec: 'mjpeg', timescale: 90_000, widthPx: 64, heightPx: 48 })
    vp9.set(bytesOf('vp09'), 4)

    const parsed = parseSampleEntry(vp9, [...scanBoxes(vp9)][0]!, 'vide', 90_000)

    assert.deepEqual(parsed, { format: 'vp09', config: undefined, nalLengthSize: 4, widthPx: 64, heightPx: 48 })
  })

  it('refuses damage with a failure and nothing else', () => {
    const entries = [sampleEntry(pictureTrack(1, ...x264).config), sampleEntry(aac), mettEntry('a/b')]
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.constantFrom(...entries), fc.nat(), damage, (entry, cut, changes) => {
        const bytes = entry.slice()
        for (const [at, value] of changes) bytes[8 + (at % (bytes.length - 8))] = value
        const end = 8 + (cut % (bytes.length - 7))
        const range = { type: String.fromCharCode(...bytes.subarray(4, 8)), start: 0, bodyStart: 8, end }
        for (const handler of ['vide', 'soun', 'meta']) {
          try {
            parseSampleEntry(bytes, range, handler, 90_000)
          } catch (error) {
            assert.ok(error instanceof Failure)
          }
        }
      }),
    )
  })
})

function bytesOf(text: string): number[] {
  return [...new TextEncoder().encode(text)]
}
