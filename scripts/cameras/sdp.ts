// Session descriptions (RFC 8866), good and otherwise.
import type { Faults } from './fault.ts'
import type { Stream } from './stream.ts'

/** The description of a stream, as the fault `sdp` wants it. Tracks are `trackID=0` and up, in the stream's order. */
export function describeStream(stream: Stream, host: string, kind: Faults['sdp']): string {
  if (kind === 'nonsense') return 'this is no session description\r\n\u0000\u0001\u0002'
  const lines = [
    'v=0',
    `o=- ${Math.floor(performance.timeOrigin)} 1 IN IP4 ${host}`,
    `s=${stream.name}`,
    'c=IN IP4 0.0.0.0',
    't=0 0',
    'a=tool:nightjar-camera',
    'a=range:npt=0-',
    'a=control:*',
  ]
  if (kind === 'none') return `${lines.join('\r\n')}\r\n`
  stream.tracks.forEach(({ clip }, i) => {
    lines.push(`m=${clip.media} 0 RTP/AVP ${clip.payloadType}`)
    if (clip.media === 'video') lines.push(`b=AS:${stream.recipe.bitrateKbps}`)
    if (clip.widthPx > 0) lines.push(`a=x-dimensions:${clip.widthPx},${clip.heightPx}`)
    const isUnknown = kind === 'unknown-codec' && clip.media === 'video'
    lines.push(`a=rtpmap:${clip.payloadType} ${isUnknown ? `X-NJV/${clip.clockRate}` : clip.rtpmap}`)
    if (clip.fmtp !== undefined && !isUnknown) lines.push(`a=fmtp:${clip.payloadType} ${clip.fmtp}`)
    lines.push(`a=control:trackID=${i}`)
  })
  if (kind === 'many') {
    for (let i = stream.tracks.length; i < 8; i++) {
      const media = i % 2 === 0 ? 'application' : 'video'
      lines.push(`m=${media} 0 RTP/AVP ${110 + i}`, `a=rtpmap:${110 + i} X-NJ${i}/90000`, `a=control:trackID=${i}`)
    }
  }
  return `${lines.join('\r\n')}\r\n`
}
