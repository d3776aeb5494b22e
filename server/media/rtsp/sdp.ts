/** Session descriptions (RFC 8866, formerly 4566) as cameras write them: what tracks there are and how to set them up. */

import { Failure } from '../../../shared/failure.ts'
import { audioSpecificConfig, audioSpecificConfigFromHex, parseAudioSpecificConfig } from '../aac.ts'
import { h264Nal, h264NalType } from '../h264.ts'
import { h265Nal, h265NalType } from '../h265.ts'
import type { Codec } from '../track.ts'
import { resolveControl } from './control-url.ts'

/** How a description names AAC (RFC 3640 §4.1). */
export interface SdpAac {
  /** AudioSpecificConfig: the one given, or one made of rate and channels where it is missing or damaged. */
  config: Uint8Array
  /** Bits of the size, the index and the index step in each access unit header. */
  sizeLength: number
  indexLength: number
  indexDeltaLength: number
}

/** Parameter sets of H.264 (no `vps`) or H.265, whole NAL units; those of the wrong type are left out. */
export interface ParameterSets {
  vps: Uint8Array[]
  sps: Uint8Array[]
  pps: Uint8Array[]
}

/** One `m=` section. */
export interface SdpTrack {
  kind: 'video' | 'audio' | 'metadata' | 'other'
  codec: Codec | 'unsupported'
  /** What the description calls the codec, `VP8`, for a message; its payload number where it has no name. */
  encodingName: string
  payloadType: number
  /** Ticks a second of its RTP timestamps; 90000 where none is given. */
  clockRateHz: number
  /** 1 where none is given; 0 for what is not sound. */
  channels: number
  /** The address to SETUP. */
  control: string
  /** Format parameters by name in lower case. */
  fmtp: Map<string, string>
  /** Empty lists for codecs without. */
  parameterSets: ParameterSets
  /** Only with codec `aac`. */
  aac: SdpAac | undefined
  /** Frames a second, where the description says. */
  frameRateHz: number | undefined
  /** From whose side: `sendonly` in an ONVIF back channel is sound the camera would take from us. */
  direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'
}

export interface Sdp {
  sessionName: string
  /** The address to PLAY and TEARDOWN. */
  control: string
  /** In their order; empty where there is none. */
  tracks: SdpTrack[]
}

/** The sections of a description, an attribute by its name with all its values. */
interface Section {
  media: string
  attributes: Map<string, string[]>
}

/**
 * Reads a description; `baseUrl` is that of `presentationBase`. A session's own `control`, where it has one, becomes the
 * base of its tracks. Lines that cannot be read are passed over. Throws `corrupt` where no line is one of a description.
 */
export function parseSdp(text: string, baseUrl: string): Sdp {
  const session: Section = { media: '', attributes: new Map() }
  const sections: Section[] = []
  let sessionName = ''
  let lines = 0
  for (const line of text.split(/\r\n|\n|\r/)) {
    const match = /^([a-z])=(.*)$/.exec(line.trimEnd())
    if (!match) continue
    lines++
    const [, type, value = ''] = match
    if (type === 'm') {
      sections.push({ media: value, attributes: new Map() })
    } else if (type === 's' && sections.length === 0) {
      sessionName = value.trim()
    } else if (type === 'a') {
      const colon = value.indexOf(':')
      const name = (colon < 0 ? value : value.slice(0, colon)).trim().toLowerCase()
      const { attributes } = sections.at(-1) ?? session
      const values = attributes.get(name) ?? []
      values.push(colon < 0 ? '' : value.slice(colon + 1).trim())
      attributes.set(name, values)
    }
  }
  if (lines === 0) throw new Failure('corrupt', 'read SDP: no line of a session description')
  const control = resolveControl(baseUrl, session.attributes.get('control')?.[0])
  const tracks = sections.map((section) => parseTrack(section, control)).filter((track) => track !== undefined)
  return { sessionName, control, tracks }
}

/** Payload types with a fixed meaning (RFC 3551 §6), those we take. */
const staticTypes: Record<number, string> = { 0: 'PCMU/8000/1', 8: 'PCMA/8000/1', 26: 'JPEG/90000' }

const codecNames: Record<string, Codec> = {
  'video/h264': 'h264',
  'video/h265': 'h265',
  'video/hevc': 'h265',
  'video/jpeg': 'mjpeg',
  'audio/mpeg4-generic': 'aac',
  'audio/pcmu': 'pcmu',
  'audio/pcma': 'pcma',
  'application/vnd.onvif.metadata': 'onvif-metadata',
}

const kinds: Record<string, SdpTrack['kind']> = { video: 'video', audio: 'audio', application: 'metadata' }

/** Reads `m=<media> <port> <proto> <fmt> …` and its attributes; of several formats, the first that we know. */
function parseTrack({ media, attributes }: Section, base: string): SdpTrack | undefined {
  const [name = '', , protocol = '', ...formats] = media.trim().toLowerCase().split(/\s+/)
  const numbers = formats.filter((format) => /^\d{1,3}$/.test(format)).map(Number)
  const payloadTypes = [...new Set(numbers)].filter((payloadType) => payloadType < 128)
  if (name === '' || payloadTypes.length === 0) return undefined
  const isRtp = /^rtp\/avpf?(\/(tcp|udp))?$/.test(protocol)
  const candidates = payloadTypes.map((payloadType) => {
    const map = forPayload(attributes.get('rtpmap'), payloadType) ?? staticTypes[payloadType] ?? ''
    const [encodingName = '', clock = '', channels = ''] = map.split('/').map((part) => part.trim())
    const codec = isRtp ? codecNames[`${name}/${encodingName.toLowerCase()}`] : undefined
    return { payloadType, encodingName, clock, channels, codec }
  })
  const chosen = candidates.find((candidate) => candidate.codec !== undefined) ?? candidates[0]!
  const fmtp = parseFmtp(forPayload(attributes.get('fmtp'), chosen.payloadType) ?? '')
  const track: SdpTrack = {
    kind: chosen.codec === 'onvif-metadata' || name !== 'application' ? (kinds[name] ?? 'other') : 'other',
    codec: chosen.codec ?? 'unsupported',
    encodingName: chosen.encodingName || String(chosen.payloadType),
    payloadType: chosen.payloadType,
    clockRateHz: positiveInteger(chosen.clock) ?? 90_000,
    channels: name === 'audio' ? (positiveInteger(chosen.channels) ?? 1) : 0,
    control: resolveControl(base, attributes.get('control')?.[0]),
    fmtp,
    parameterSets: { vps: [], sps: [], pps: [] },
    aac: undefined,
    frameRateHz: positiveNumber(attributes.get('framerate')?.[0] ?? attributes.get('x-framerate')?.[0]),
    direction: (['sendonly', 'recvonly', 'inactive'] as const).find((word) => attributes.has(word)) ?? 'sendrecv',
  }
  if (track.codec === 'h264') track.parameterSets = h264ParameterSets(fmtp)
  if (track.codec === 'h265') track.parameterSets = h265ParameterSets(fmtp)
  if (track.codec === 'aac') readAac(track)
  return track
}

/** The value of `rtpmap` or `fmtp` that is for this payload type, without it. */
function forPayload(values: string[] | undefined, payloadType: number): string | undefined {
  for (const value of values ?? []) {
    const match = /^(\d+)\s+(.*)$/.exec(value)
    if (match && Number(match[1]) === payloadType) return match[2]
  }
  return undefined
}

/** `name=value` parted by semicolons, with white space anywhere between and a semicolon too many at times. */
function parseFmtp(text: string): Map<string, string> {
  const fmtp = new Map<string, string>()
  for (const part of text.split(';')) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    if (name !== '') fmtp.set(name, equals < 0 ? '' : part.slice(equals + 1).trim())
  }
  return fmtp
}

/** `sprop-parameter-sets` (RFC 6184 §8.1), in which some cameras leave out one of the two. */
function h264ParameterSets(fmtp: Map<string, string>): ParameterSets {
  const nals = base64List(fmtp.get('sprop-parameter-sets'))
  const ofType = (type: number): Uint8Array[] => nals.filter((nal) => h264NalType(nal[0]!) === type)
  return { vps: [], sps: ofType(h264Nal.sps), pps: ofType(h264Nal.pps) }
}

/** `sprop-vps`, `sprop-sps`, `sprop-pps` (RFC 7798 §7.1). */
function h265ParameterSets(fmtp: Map<string, string>): ParameterSets {
  const ofType = (name: string, type: number): Uint8Array[] =>
    base64List(fmtp.get(name)).filter((nal) => h265NalType(nal[0]!) === type)
  return {
    vps: ofType('sprop-vps', h265Nal.vps),
    sps: ofType('sprop-sps', h265Nal.sps),
    pps: ofType('sprop-pps', h265Nal.pps),
  }
}

function base64List(text: string | undefined): Uint8Array[] {
  return (text ?? '')
    .split(',')
    .map((item) => new Uint8Array(Buffer.from(item, 'base64')))
    .filter((bytes) => bytes.length > 0)
}

function readAac(track: SdpTrack): void {
  const bits = (name: string, otherwise: number): number => {
    const value = track.fmtp.get(name)
    return value !== undefined && /^\d{1,2}$/.test(value) ? Math.min(32, Number(value)) : otherwise
  }
  const given = readConfig(() => audioSpecificConfigFromHex(track.fmtp.get('config') ?? ''))
  const config = given ?? readConfig(() => audioSpecificConfig(track.clockRateHz, track.channels))
  if (!config) {
    track.codec = 'unsupported'
    return
  }
  track.channels = parseAudioSpecificConfig(config).channels || track.channels
  track.aac = {
    config,
    sizeLength: bits('sizelength', 13), // AAC-hbr, RFC 3640 §3.3.6
    indexLength: bits('indexlength', 3),
    indexDeltaLength: bits('indexdeltalength', 3),
  }
}

/** What `make` gives, if it is an AudioSpecificConfig. */
function readConfig(make: () => Uint8Array): Uint8Array | undefined {
  try {
    const config = make()
    parseAudioSpecificConfig(config)
    return config
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return undefined
  }
}

function positiveInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}

function positiveNumber(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number.parseFloat(text)
  return value > 0 && value < 1000 ? value : undefined
}
