/** The `Transport` header of SETUP (RFC 2326 §12.39). */

/** What a server has chosen. */
export interface RtspTransport {
  /** `tcp` is interleaved with the connection. */
  lower: 'tcp' | 'udp'
  isUnicast: boolean
  /** Channels of RTP and RTCP on the connection, 0 to 255; undefined where the server named none. */
  channels: [rtp: number, rtcp: number] | undefined
  /** Undefined where the server named none, or wrote it in a way that cannot be read. */
  ssrc: number | undefined
}

/** Asks for a track's packets on the connection, RTP on `channel` (even, 0 to 254), RTCP on the next. */
export function interleavedTransport(channel: number): string {
  return `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`
}

/**
 * Reads a server's `Transport`; undefined where it is no RTP transport. Of several, parted by commas, the first is read.
 */
export function parseTransport(value: string): RtspTransport | undefined {
  const [specification = '', ...params] = value.split(',', 1)[0]!.split(';')
  const protocol = /^RTP\/S?AVPF?(?:\/(TCP|UDP))?$/i.exec(specification.trim())
  if (!protocol) return undefined
  const transport: RtspTransport = {
    lower: protocol[1]?.toUpperCase() === 'TCP' ? 'tcp' : 'udp',
    isUnicast: true,
    channels: undefined,
    ssrc: undefined,
  }
  for (const param of params) {
    const [name = '', text = ''] = param.split('=', 2).map((part) => part.trim())
    if (/^multicast$/i.test(name)) transport.isUnicast = false
    if (/^interleaved$/i.test(name)) transport.channels = parseChannels(text)
    // Some Hikvision cameras (iDS-2CD9396-BIS) pad `ssrc` with spaces; RFC 2326 §12.39 has none.
    if (/^ssrc$/i.test(name)) transport.ssrc = parseSsrc(text.replace(/["\s]/g, ''))
  }
  return transport
}

function parseChannels(text: string): [number, number] | undefined {
  const match = /^(\d{1,3})(?:\s*-\s*(\d{1,3}))?$/.exec(text)
  if (!match) return undefined
  const rtp = Number(match[1])
  const rtcp = match[2] === undefined ? rtp + 1 : Number(match[2])
  return rtp <= 255 && rtcp <= 255 ? [rtp, rtcp] : undefined
}

function parseSsrc(text: string): number | undefined {
  return /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
}
