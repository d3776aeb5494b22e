// Harms a frame that is ready to be sent, as faults ask.
import { randomBytes, randomInt } from 'node:crypto'
import type { Faults, OneShotFaults } from './fault.ts'
import { PACKET_HEAD_BYTES } from './rtp-clip.ts'

/** What is to become of the connection once the bytes are sent. */
export type DamageOutcome = 'open' | 'close' | 'reset'

/** The frame as it is to be sent; `bytes` is new memory. `frame` is stamped and stays as it is. */
export function damageFrame(
  frame: Buffer,
  packetOffsets: Uint32Array,
  faults: Pick<Faults, 'lossPct' | 'corruptBytesPerFrame'>,
  oneShot: OneShotFaults,
): { bytes: Buffer; outcome: DamageOutcome } {
  const packets = Array.from(packetOffsets, (start, i) => Buffer.from(frame.subarray(start, packetOffsets[i + 1])))
  const victim = randomInt(packets.length)
  corrupt(packets[victim]!, faults.corruptBytesPerFrame)
  if (oneShot.lieBytes) {
    const packet = packets[victim]!
    packet.writeUInt16BE((packet.readUInt16BE(2) + oneShot.lieBytes) & 0xffff, 2)
  }
  if (oneShot.garbageInsideBytes) {
    const packet = packets[victim]!
    const at = randomInt(PACKET_HEAD_BYTES, packet.length)
    const garbage = randomBytes(oneShot.garbageInsideBytes)
    packets[victim] = Buffer.concat([packet.subarray(0, at), garbage, packet.subarray(at)])
  }
  if (oneShot.cut) {
    const half = packets[victim]!.subarray(0, Math.ceil(packets[victim]!.length / 2))
    return {
      bytes: Buffer.concat([...packets.slice(0, victim), half]),
      outcome: oneShot.cut === 'reset' ? 'reset' : 'close',
    }
  }
  const left = packets.filter(() => faults.lossPct === 0 || Math.random() * 100 >= faults.lossPct)
  if (oneShot.garbageBytes) left.splice(randomInt(left.length + 1), 0, randomBytes(oneShot.garbageBytes))
  return { bytes: Buffer.concat(left), outcome: 'open' }
}

function corrupt(packet: Buffer, count: number): void {
  for (let i = 0; i < count; i++) packet[randomInt(PACKET_HEAD_BYTES, packet.length)] = randomInt(256)
}
