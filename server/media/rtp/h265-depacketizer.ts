// H.265 over RTP (RFC 7798): single NAL units, aggregation packets and fragmentation units, without DONL fields.
import { h265Nal, isH265Irap } from '../h265.ts'
import { NalDepacketizer, type NalRole, nalRole } from './nal-depacketizer.ts'

const aggregation = 48
const fragmentation = 49

const roles = new Uint8Array(64).fill(nalRole.skip)
for (let type = 0; type < 32; type++) roles[type] = isH265Irap(type) ? nalRole.keyPicture : nalRole.picture
roles[h265Nal.vps] = nalRole.vps
roles[h265Nal.sps] = nalRole.sps
roles[h265Nal.pps] = nalRole.pps
roles[39] = nalRole.keep
roles[40] = nalRole.keep

export class H265Depacketizer extends NalDepacketizer {
  protected override roleOf(firstByte: number): NalRole {
    return roles[(firstByte >> 1) & 0x3f] as NalRole
  }

  /** `first_slice_segment_in_pic_flag` (ITU-T H.265 §7.3.6.1). */
  protected override isFirstSlice(bytes: Uint8Array, at: number): boolean {
    return (bytes[at + 2]! & 0x80) !== 0
  }

  protected override mayStartKey(bytes: Uint8Array, start: number, end: number): boolean {
    let type = (bytes[start]! >> 1) & 0x3f
    if (type === aggregation && start + 4 < end) type = (bytes[start + 4]! >> 1) & 0x3f
    else if (type === fragmentation && start + 2 < end) type = bytes[start + 2]! & 0x3f
    return isH265Irap(type) || (type >= h265Nal.vps && type <= h265Nal.pps)
  }

  protected override unpack(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 3) return
    const type = (bytes[start]! >> 1) & 0x3f
    if (type === fragmentation) {
      const header = bytes[start + 2]!
      if ((header & 0x80) !== 0) {
        this.beginUnit([(bytes[start]! & 0x81) | ((header & 0x3f) << 1), bytes[start + 1]!])
      }
      this.continueUnit(start + 3, end)
      if ((header & 0x40) !== 0) this.endUnit()
    } else if (type === aggregation) {
      for (let at = start + 2; at + 2 <= end; ) {
        const size = (bytes[at]! << 8) | bytes[at + 1]!
        if (at + 2 + size > end) return
        this.unit(bytes, at + 2, at + 2 + size)
        at += 2 + size
      }
    } else if (type < aggregation) {
      this.unit(bytes, start, end)
    }
  }
}
