import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseSdp } from '../../../../server/media/rtsp/sdp.ts'
import { Failure } from '../../../../shared/failure.ts'

const base = 'rtsp://10.0.0.5/ch1/'

/** Everything we take, as one camera would describe it. */
const fullDescription = `v=0
o=- 1 1 IN IP4 10.0.0.5
s= Front door
c=IN IP4 0.0.0.0
t=0 0
a=control:*
a=range:npt=now-
m=video 0 RTP/AVP 96
b=AS:5000
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; profile-level-id=640028 ;sprop-parameter-sets=Z2QAKKwrQA==,aO48gA==;
a=framerate:25.0
a=control:trackID=1
a=recvonly
m=audio 0 RTP/AVP 97
a=rtpmap:97 MPEG4-GENERIC/16000/1
a=fmtp:97 streamtype=5;profile-level-id=15;mode=AAC-hbr;config=1408;SizeLength=13;IndexLength=3;IndexDeltaLength=3;
a=control:trackID=2
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
a=control:trackID=3
m=audio 0 RTP/AVP 0
a=control:rtsp://10.0.0.5/ch1/backchannel
a=sendonly
`

describe('SDP', () => {
  it('reads the tracks of a camera', () => {
    const sdp = parseSdp(fullDescription.replaceAll('\n', '\r\n'), base)

    assert.equal(sdp.sessionName, 'Front door')
    assert.equal(sdp.control, base)
    const [video, audio, metadata, backChannel] = sdp.tracks
    assert.deepEqual(video, {
      kind: 'video',
      codec: 'h264',
      encodingName: 'H264',
      payloadType: 96,
      clockRateHz: 90000,
      channels: 0,
      control: 'rtsp://10.0.0.5/ch1/trackID=1',
      fmtp: new Map([
        ['packetization-mode', '1'],
        ['profile-level-id', '640028'],
        ['sprop-parameter-sets', 'Z2QAKKwrQA==,aO48gA=='],
      ]),
      parameterSets: {
        vps: [],
        sps: [Uint8Array.of(0x67, 0x64, 0x00, 0x28, 0xac, 0x2b, 0x40)],
        pps: [Uint8Array.of(0x68, 0xee, 0x3c, 0x80)],
      },
      aac: undefined,
      frameRateHz: 25,
      direction: 'recvonly',
    })
    assert.deepEqual([audio?.kind, audio?.codec, audio?.clockRateHz, audio?.channels], ['audio', 'aac', 16000, 1])
    assert.deepEqual(audio?.aac, {
      config: Uint8Array.of(0x14, 0x08),
      sizeLength: 13,
      indexLength: 3,
      indexDeltaLength: 3,
    })
    assert.deepEqual([metadata?.kind, metadata?.codec, metadata?.payloadType], ['metadata', 'onvif-metadata', 107])
    assert.deepEqual(
      [backChannel?.codec, backChannel?.clockRateHz, backChannel?.direction, backChannel?.control],
      ['pcmu', 8000, 'sendonly', 'rtsp://10.0.0.5/ch1/backchannel'],
    )
  })

  it('reads the parameter sets of H.265', () => {
    const [track] = parseSdp(
      `v=0
m=video 0 RTP/AVP 98
a=rtpmap:98 H265/90000
a=fmtp:98 sprop-vps=QAEMAf//AWAAAAMA; sprop-sps=QgEBAWAAAAMA; sprop-pps=RAHBcrRiQA==,RAHBcrRiQB==
`,
      base,
    ).tracks

    assert.equal(track?.codec, 'h265')
    assert.deepEqual(
      [track?.parameterSets.vps.length, track?.parameterSets.sps.length, track?.parameterSets.pps.length],
      [1, 1, 2],
    )
    assert.equal(track?.parameterSets.vps[0]?.[0], 0x40)
  })

  it('knows the static payload types it takes', () => {
    const { tracks } = parseSdp(
      'v=0\nm=audio 0 RTP/AVP 0\nm=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 26\nm=video 0 RTP/AVP 31',
      base,
    )

    assert.deepEqual(
      tracks.map(({ codec, clockRateHz, channels, encodingName }) => [codec, clockRateHz, channels, encodingName]),
      [
        ['pcmu', 8000, 1, 'PCMU'],
        ['pcma', 8000, 1, 'PCMA'],
        ['mjpeg', 90000, 0, 'JPEG'],
        ['unsupported', 90000, 0, '31'],
      ],
    )
  })

  it('names what it cannot take', () => {
    const { tracks } = parseSdp(
      `m=video 0 RTP/AVP 99
a=rtpmap:99 VP8/90000
m=video 0 RTP/SAVP 96
a=rtpmap:96 H264/90000
m=application 0 RTP/AVP 100
a=rtpmap:100 vnd.onvif.metadata.gzip/90000
m=text 0 RTP/AVP 101
a=rtpmap:101 t140/1000
`,
      base,
    )

    assert.deepEqual(
      tracks.map(({ kind, codec, encodingName }) => [kind, codec, encodingName]),
      [
        ['video', 'unsupported', 'VP8'],
        ['video', 'unsupported', 'H264'],
        ['other', 'unsupported', 'vnd.onvif.metadata.gzip'],
        ['other', 'unsupported', 't140'],
      ],
    )
  })

  it('chooses of several formats the first it knows', () => {
    const [track] = parseSdp('m=audio 0 RTP/AVP 101 8 0\na=rtpmap:101 telephone-event/8000', base).tracks

    assert.deepEqual([track?.payloadType, track?.codec], [8, 'pcma'])
  })

  it('takes "m=" for a track only where a line begins with it', () => {
    const { tracks } = parseSdp('s=m=video 0 RTP/AVP 96\ni=see m=audio\na=tool:m=video\nm=video 0 RTP/AVP 26', base)

    assert.equal(tracks.length, 1)
  })

  it('makes a config for AAC that has none or a damaged one', () => {
    for (const config of ['', 'config=;', 'config=zz;', 'config=14;']) {
      const [track] = parseSdp(
        `m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/44100/2\na=fmtp:97 ${config}sizelength=6`,
        base,
      ).tracks

      assert.equal(track?.codec, 'aac')
      assert.deepEqual(track?.aac?.config, Uint8Array.of(0x12, 0x10))
      assert.equal(track?.aac?.sizeLength, 6)
    }
  })

  it('bases tracks on the control of the session', () => {
    const sdp = parseSdp('a=control:rtsp://h/aggregate\nm=video 0 RTP/AVP 26\na=control:t1\nm=audio 0 RTP/AVP 0', base)

    assert.equal(sdp.control, 'rtsp://h/aggregate')
    assert.deepEqual(
      sdp.tracks.map((track) => track.control),
      ['rtsp://h/aggregate/t1', 'rtsp://h/aggregate'],
    )
  })

  it('finds no track where there is none, and refuses what is no description', () => {
    assert.deepEqual(parseSdp('v=0\r\ns=-\r\nm=\r\nm=video\r\nm=video 0 RTP/AVP\r\n', base).tracks, [])
    assert.throws(() => parseSdp('<html>404</html>', base), Failure)
    assert.throws(() => parseSdp('', base), /no line of a session description/)
  })

  it('reads any mixture of lines without failing', () => {
    const line = fc.oneof(
      fc.constantFrom(...fullDescription.split('\n')),
      fc.string().map((text) => `a=fmtp:97 ${text}`),
      fc.string().map((text) => `a=rtpmap:96 ${text}`),
      fc.string().map((text) => `m=${text}`),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { tracks } = parseSdp(['v=0', ...lines].join('\n'), base)

        for (const track of tracks) assert.equal(track.codec === 'aac', track.aac !== undefined)
      }),
    )
  })
})
