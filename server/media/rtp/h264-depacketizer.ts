// H.264 over RTP (RFC 6184): single NAL units, STAP-A and FU-A, the packetization modes 0 and 1 that cameras use.
import { h264Nal } from '../h264.ts'
import { NalDepacketizer, type NalRole, nalRole } from './nal-depacketizer.ts'

const stapA = 24
const fuA = 28

const roles = new Uint8Array(32).fill(nalRole.skip)
for (const type of [1, 2, 3, 4]) roles[type] = nalRole.picture
roles[h264Nal.idr] = nalRole.keyPicture
roles[h264Nal.sei] = nalRole.keep
roles[h264Nal.sps] = nalRole.sps
roles[h264Nal.pps] = nalRole.pps
// SVC and MVC extensions and unspecified types ride along: players that do not know them pass them over.
for (const type of [13, 14, 15, 19, 20, 21]) roles[type] = nalRole.keep

export class H264Depacketizer extends NalDepacketizer {
  protected override roleOf(firstByte: number): NalRole {
    return roles[firstByte & 0x1f] as NalRole
  }

  /** `first_mb_in_slice` is 0: of its Exp-Golomb code one bit, set (ITU-T H.264 §7.3.3). */
  protected override isFirstSlice(bytes: Uint8Array, at: number): boolean {
    return (bytes[at + 1]! & 0x80) !== 0
  }

  protected override mayStartKey(bytes: Uint8Array, start: number, end: number): boolean {
    let type = bytes[start]! & 0x1f
    if (type === stapA && start + 3 < end) type = bytes[start + 3]! & 0x1f
    else if (type === fuA && start + 1 < end) type = bytes[start + 1]! & 0x1f
    return type === h264Nal.sps || type === h264Nal.pps || type === h264Nal.idr
  }

  protected override unpack(bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]! & 0x1f
    if (type === fuA) {
      if (end - start < 3) return
      const header = bytes[start + 1]!
      if ((header & 0x80) !== 0) this.beginUnit([(bytes[start]! & 0xe0) | (header & 0x1f)])
      this.continueUnit(start + 2, end)
      if ((header & 0x40) !== 0) this.endUnit()
    } else if (type === stapA) {
      for (let at = start + 1; at + 2 <= end; ) {
        const size = (bytes[at]! << 8) | bytes[at + 1]!
        if (at + 2 + size > end) return
        this.unit(bytes, at + 2, at + 2 + size)
        at += 2 + size
      }
    } else if (type >= 1 && type <= 23) {
      this.unit(bytes, start, end)
    }
  }
}
