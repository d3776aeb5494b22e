import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  aacCodecString,
  adtsHeader,
  audioSpecificConfig,
  audioSpecificConfigFromHex,
  parseAudioSpecificConfig,
} from '../../../server/media/aac.ts'
import { Failure } from '../../../shared/failure.ts'
import { BitWriter } from './bit-writer.ts'
import { ffmpeg, ffprobe, TempFolder } from './ffmpeg.ts'

describe('AAC', () => {
  it('reads the config of an SDP', () => {
    assert.deepEqual(parseAudioSpecificConfig(audioSpecificConfigFromHex('1408')), {
      objectType: 2,
      sampleRateHz: 16000,
      channels: 1,
      samplesPerFrame: 1024,
      extensionRateHz: undefined,
    })
  })

  it('reads a rate in full and the signalling of HE-AAC', () => {
    const config = new BitWriter()
      .u(5, 5) // audioObjectType SBR
      .u(4, 15) // samplingFrequencyIndex: escape
      .u(24, 22050) // samplingFrequency
      .u(4, 2) // channelConfiguration
      .u(4, 4) // extensionSamplingFrequencyIndex 44100
      .u(5, 2) // audioObjectType AAC LC
      .u(1, 1) // frameLengthFlag
      .bytes()

    assert.deepEqual(parseAudioSpecificConfig(config), {
      objectType: 2,
      sampleRateHz: 22050,
      channels: 2,
      samplesPerFrame: 960,
      extensionRateHz: 44100,
    })
    assert.equal(aacCodecString(config), 'mp4a.40.5')
  })

  it('reads back every config it writes', () => {
    const rates = fc.oneof(fc.constantFrom(8000, 16000, 44100, 48000), fc.integer({ min: 1, max: 0xffffff }))
    fc.assert(
      fc.property(
        rates,
        fc.constantFrom(1, 2, 3, 4, 5, 6, 8),
        fc.integer({ min: 1, max: 4 }),
        (rate, channels, type) => {
          const parsed = parseAudioSpecificConfig(audioSpecificConfig(rate, channels, type))

          assert.deepEqual([parsed.sampleRateHz, parsed.channels, parsed.objectType], [rate, channels, type])
        },
      ),
    )
    assert.deepEqual([...audioSpecificConfig(48000, 2)], [0x11, 0x90])
  })

  it('refuses what is cut, reserved or not hexadecimal', () => {
    assert.throws(() => parseAudioSpecificConfig(Uint8Array.of(0x14)), Failure)
    assert.throws(() => parseAudioSpecificConfig(Uint8Array.of(0x16, 0x88)), /sampling frequency index 13/)
    assert.throws(() => audioSpecificConfigFromHex('14z8'), /not hexadecimal/)
    assert.throws(() => audioSpecificConfigFromHex(''), Failure)
    assert.throws(() => audioSpecificConfig(16000, 7), /7 channels/)
    assert.throws(() => audioSpecificConfig(0, 1), /0 Hz/)
  })

  it('writes the ADTS header as ISO/IEC 14496-3 §1.A.2.2 lists it', () => {
    const expected = new BitWriter()
      .u(12, 0xfff) // syncword
      .u(1, 0) // ID
      .u(2, 0) // layer
      .u(1, 1) // protection_absent
      .u(2, 1) // profile_ObjectType: LC
      .u(4, 8) // sampling_frequency_index
      .u(1, 0) // private_bit
      .u(3, 1) // channel_configuration
      .u(4, 0) // original_copy, home, copyright id bit and start
      .u(13, 307) // aac_frame_length
      .u(11, 0x7ff) // adts_buffer_fullness
      .u(2, 0) // number_of_raw_data_blocks_in_frame
      .bytes()

    assert.deepEqual(adtsHeader(parseAudioSpecificConfig(audioSpecificConfig(16000, 1)), 300), expected)
    assert.throws(() => adtsHeader(parseAudioSpecificConfig(audioSpecificConfig(16000, 1)), 9000), Failure)
  })

  it('writes headers that ffmpeg reads', () => {
    const folder = new TempFolder()
    try {
      const aac = ffmpeg('-f', 'lavfi', '-i', 'sine=sample_rate=16000:duration=1', '-c:a', 'aac', '-f', 'adts', '-')
      const info = parseAudioSpecificConfig(audioSpecificConfig(16000, 1))
      const rewritten: Uint8Array[] = []
      for (let at = 0; at < aac.length; ) {
        const size = ((aac[at + 3]! & 3) << 11) | (aac[at + 4]! << 3) | (aac[at + 5]! >> 5)
        rewritten.push(adtsHeader(info, size - 7), aac.subarray(at + 7, at + size))
        at += size
      }
      const path = folder.file('clip.aac', Buffer.concat(rewritten))

      const { streams } = ffprobe(path, '-count_packets', '-show_streams')

      assert.equal(streams[0]!['sample_rate'], '16000')
      assert.equal(Number(streams[0]!['nb_read_packets']), rewritten.length / 2)
      ffmpeg('-i', path, '-f', 'null', '-')
    } finally {
      folder.remove()
    }
  })
})
