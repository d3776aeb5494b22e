/** MPEG-4 AAC: the AudioSpecificConfig and the ADTS header. */

import { Failure } from '../../shared/failure.ts'
import { BitReader } from './bits.ts'

/** Sampling frequencies by index (ISO/IEC 14496-3 table 1.18); 15 means 24 bits of frequency follow. */
const sampleRatesHz = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]

/** Channels by channelConfiguration (table 1.19); 0 leaves them to a program config element. */
const channelCounts = [0, 1, 2, 3, 4, 5, 6, 8]

/** What an AudioSpecificConfig says (ISO/IEC 14496-3 §1.6.2.1). */
export interface AudioSpecificConfig {
  /** Audio object type of the core coder: 2 is AAC LC. */
  objectType: number
  /** Of the core coder: the rate samples are counted at. */
  sampleRateHz: number
  /** 0 where a program config element says it. */
  channels: number
  /** Audio samples an access unit gives: 1024, or 960. */
  samplesPerFrame: number
  /** Output rate with spectral band replication signalled outright (HE-AAC), else undefined. */
  extensionRateHz: number | undefined
}

/** Reads an AudioSpecificConfig. Throws `corrupt` where it is cut or names a reserved value. */
export function parseAudioSpecificConfig(config: Uint8Array): AudioSpecificConfig {
  const r = new BitReader(config, 'AudioSpecificConfig')
  let objectType = readObjectType(r)
  const sampleRateHz = readSampleRate(r)
  const channelConfiguration = r.bits(4)
  const channels = channelCounts[channelConfiguration]
  if (channels === undefined) {
    throw new Failure('corrupt', `read AudioSpecificConfig: channel configuration ${channelConfiguration}`)
  }
  let extensionRateHz: number | undefined
  if (objectType === 5 || objectType === 29) {
    // Explicit hierarchical signalling of SBR (5) or SBR with parametric stereo (29): the core's type follows.
    extensionRateHz = readSampleRate(r)
    objectType = readObjectType(r)
  }
  const samplesPerFrame = r.bitsLeft > 0 && r.flag() ? 960 : 1024 // frameLengthFlag
  return { objectType, sampleRateHz, channels, samplesPerFrame, extensionRateHz }
}

function readObjectType(r: BitReader): number {
  const type = r.bits(5)
  return type === 31 ? 32 + r.bits(6) : type
}

function readSampleRate(r: BitReader): number {
  const index = r.bits(4)
  if (index === 15) return r.bits(24)
  const rate = sampleRatesHz[index]
  if (rate === undefined) throw new Failure('corrupt', `read AudioSpecificConfig: sampling frequency index ${index}`)
  return rate
}

/** Builds an AudioSpecificConfig: 2 bytes, 5 where the rate is none of the table's. Channels 1 to 6, or 8. */
export function audioSpecificConfig(sampleRateHz: number, channels: number, objectType = 2): Uint8Array {
  const channelConfiguration = channelCounts.indexOf(channels)
  if (channelConfiguration < 1) throw new Failure('corrupt', `write AudioSpecificConfig: ${channels} channels`)
  if (objectType < 1 || objectType > 30)
    throw new Failure('corrupt', `write AudioSpecificConfig: object type ${objectType}`)
  const index = sampleRatesHz.indexOf(sampleRateHz)
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < 1 || sampleRateHz > 0xff_ffff) {
    throw new Failure('corrupt', `write AudioSpecificConfig: ${sampleRateHz} Hz`)
  }
  if (index >= 0) {
    const bits = (objectType << 11) | (index << 7) | (channelConfiguration << 3)
    return Uint8Array.of(bits >> 8, bits & 0xff)
  }
  // 5 bits type, 4 bits of ones, 24 bits rate, 4 bits channels, 3 bits of GASpecificConfig, all zero.
  const bits =
    (BigInt(objectType) << 35n) | (15n << 31n) | (BigInt(sampleRateHz) << 7n) | (BigInt(channelConfiguration) << 3n)
  return Uint8Array.from([32n, 24n, 16n, 8n, 0n], (shift) => Number((bits >> shift) & 0xffn))
}

/** Reads the hexadecimal `config` of an SDP's `fmtp` line (RFC 3640 §4.1). */
export function audioSpecificConfigFromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(hex))
    throw new Failure('corrupt', `read AudioSpecificConfig: "${hex}" is not hexadecimal`)
  return Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16))
}

/** `mp4a.40.x`, x being the audio object type (RFC 6381 §3.3), with 5 for HE-AAC that says so. */
export function aacCodecString(config: Uint8Array): string {
  return `mp4a.40.${readObjectType(new BitReader(config, 'AudioSpecificConfig'))}`
}

/**
 * Builds the 7-byte ADTS header of one access unit of `payloadSizeBytes` (ISO/IEC 14496-3 §1.A.3.2), without CRC.
 * Throws where ADTS cannot say it: object types above 4, rates outside the table, more than 8184 bytes.
 */
export function adtsHeader(config: AudioSpecificConfig, payloadSizeBytes: number): Uint8Array {
  const rate = sampleRatesHz.indexOf(config.sampleRateHz)
  const channels = channelCounts.indexOf(config.channels)
  const length = payloadSizeBytes + 7
  if (rate < 0 || channels < 1 || config.objectType < 1 || config.objectType > 4 || length > 0x1fff) {
    throw new Failure(
      'corrupt',
      `write ADTS header: object type ${config.objectType}, ${config.sampleRateHz} Hz, ${config.channels} channels, ` +
        `${payloadSizeBytes} bytes`,
    )
  }
  return Uint8Array.of(
    0xff, // syncword
    0xf1, // syncword, ID 0 (MPEG-4), layer 0, protection_absent 1
    ((config.objectType - 1) << 6) | (rate << 2) | (channels >> 2), // profile, rate, private_bit 0, channels
    ((channels & 3) << 6) | (length >> 11), // channels, four flags 0, aac_frame_length
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f, // aac_frame_length, adts_buffer_fullness
    0xfc, // adts_buffer_fullness 0x7ff (variable rate), one raw data block
  )
}
