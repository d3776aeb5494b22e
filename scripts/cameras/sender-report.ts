// RTCP sender reports (RFC 3550 6.4.1), each with the SDES packet a compound needs (6.5).

const SECONDS_1900_TO_1970 = 2_208_988_800
const CNAME = Buffer.from('nightjar-camera')

/**
 * The compound packet, interleaved on `channel`.
 *
 * @param ntpUs UTC in microseconds since 1970
 * @param timestamp RTP time of the same instant
 */
export function buildSenderReport(
  channel: number,
  ssrc: number,
  ntpUs: number,
  timestamp: number,
  packets: number,
  payloadBytes: number,
): Buffer {
  const sdesBytes = 4 + Math.ceil((4 + 2 + CNAME.length + 1) / 4) * 4
  const bytes = Buffer.alloc(4 + 28 + sdesBytes)
  bytes[0] = 0x24 // '$'
  bytes[1] = channel
  bytes.writeUInt16BE(28 + sdesBytes, 2)
  bytes[4] = 0x80 // version 2, no report blocks
  bytes[5] = 200 // SR
  bytes.writeUInt16BE(6, 6)
  bytes.writeUInt32BE(ssrc, 8)
  const seconds = Math.floor(ntpUs / 1e6)
  bytes.writeUInt32BE((seconds + SECONDS_1900_TO_1970) % 2 ** 32, 12)
  bytes.writeUInt32BE(Math.floor(((ntpUs - seconds * 1e6) / 1e6) * 2 ** 32), 16)
  bytes.writeUInt32BE(timestamp, 20)
  bytes.writeUInt32BE(packets % 2 ** 32, 24)
  bytes.writeUInt32BE(payloadBytes % 2 ** 32, 28)
  bytes[32] = 0x81 // version 2, one chunk
  bytes[33] = 202 // SDES
  bytes.writeUInt16BE(sdesBytes / 4 - 1, 34)
  bytes.writeUInt32BE(ssrc, 36)
  bytes[40] = 1 // CNAME
  bytes[41] = CNAME.length
  CNAME.copy(bytes, 42)
  return bytes
}
