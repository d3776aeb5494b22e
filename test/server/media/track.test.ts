import assert from 'node:assert/strict'
import { codecString, sameConfig, type TrackConfig } from '../../../server/media/track.ts'

const h264: TrackConfig = {
  kind: 'video',
  codec: 'h264',
  timescale: 90_000,
  widthPx: 640,
  heightPx: 360,
  sps: Uint8Array.of(0x67, 0x64, 0x00, 0x28, 1),
  pps: [Uint8Array.of(0x68, 1)],
}
const h265: TrackConfig = { ...h264, codec: 'h265', vps: Uint8Array.of(0x40, 1) }
const aac: TrackConfig = {
  kind: 'audio',
  codec: 'aac',
  timescale: 16_000,
  sampleRateHz: 16_000,
  channels: 1,
  config: Uint8Array.of(0x14, 0x08),
}
const pcmu: TrackConfig = { kind: 'audio', codec: 'pcmu', timescale: 8000, sampleRateHz: 8000, channels: 1 }
const mjpeg: TrackConfig = { kind: 'video', codec: 'mjpeg', timescale: 90_000, widthPx: 640, heightPx: 360 }
const metadata: TrackConfig = { kind: 'metadata', codec: 'onvif-metadata', timescale: 90_000 }

describe('track', () => {
  it('names codecs as RFC 6381 does', () => {
    assert.equal(codecString(h264), 'avc1.640028')
    assert.equal(codecString(aac), 'mp4a.40.2')
    assert.deepEqual([pcmu, mjpeg, metadata].map(codecString), ['ulaw', 'jpeg', 'mett'])
  })

  it('is the same as its copy and as no other', () => {
    const tracks = [h264, h265, aac, pcmu, mjpeg, metadata]

    for (const a of tracks) for (const b of tracks) assert.equal(sameConfig(structuredClone(a), b), a === b)
  })

  it('differs by any one parameter', () => {
    const changed: [TrackConfig, TrackConfig][] = [
      [h264, { ...h264, widthPx: 642 }],
      [h264, { ...h264, sps: Uint8Array.of(0x67, 0x64, 0x00, 0x28, 2) }],
      [h264, { ...h264, pps: [] }],
      [h264, { ...h264, pps: [Uint8Array.of(0x68, 2)] }],
      [h265, { ...h265, vps: Uint8Array.of(0x40) }],
      [aac, { ...aac, config: Uint8Array.of(0x14, 0x10) }],
      [aac, { ...aac, timescale: 90_000 }],
      [pcmu, { ...pcmu, channels: 2 }],
    ]

    for (const [a, b] of changed) assert.equal(sameConfig(a, b), false)
  })
})
