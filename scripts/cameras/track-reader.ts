// One reader's view of one track: its own channel, sequence numbers, timestamps and sender reports.
import { randomInt } from 'node:crypto'
import type { OneShotFaults } from './fault.ts'
import { type DamageOutcome, damageFrame } from './frame-damage.ts'
import { patchFrameMark } from './frame-sei.ts'
import { type RtpFrame, stampPackets } from './rtp-clip.ts'
import type { SendLine } from './send-line.ts'
import { buildSenderReport } from './sender-report.ts'
import type { StreamContext } from './stream.ts'
import type { Timed } from './time-wheel.ts'
import type { FrameTaker, TrackSource } from './track-source.ts'
import { utcUs } from './wall-clock.ts'

const REPORT_INTERVAL_MS = 5000

/** What became of a track's frames on one connection. */
export interface TrackReaderStats {
  kind: string
  sent: number
  /** Frames left out because the send buffer was full, up to the next keyframe. */
  dropped: number
  /** How often it ran full. */
  backlogEvents: number
  /** Sequence numbers (`frame-sei.ts`) of the first and last frame sent; -1 before that. */
  firstSequence: number
  lastSequence: number
}

/** Sends a track's frames down one connection's line. */
export class TrackReader implements FrameTaker, Timed {
  dueMs = 0
  nextTimed: Timed | null = null
  isScheduled = false
  readonly source: TrackSource
  readonly channel: number
  readonly stats: TrackReaderStats
  /** Done to the next frame of the picture, once. */
  oneShot: OneShotFaults | undefined
  #context: StreamContext
  #line: SendLine
  #onBroken: (outcome: DamageOutcome) => void
  #ssrc = randomInt(1, 2 ** 32)
  #sequence = randomInt(2 ** 16)
  #baseTicks = randomInt(2 ** 32)
  #packets = 0
  #payloadBytes = 0
  #isPlaying = false
  #needsKey = true

  /** @param onBroken called where a fault wants the connection ended */
  constructor(
    source: TrackSource,
    context: StreamContext,
    line: SendLine,
    channel: number,
    onBroken: (outcome: DamageOutcome) => void,
  ) {
    this.source = source
    this.#context = context
    this.#line = line
    this.channel = channel
    this.#onBroken = onBroken
    this.stats = { kind: source.kind, sent: 0, dropped: 0, backlogEvents: 0, firstSequence: -1, lastSequence: -1 }
  }

  play(): void {
    if (this.#isPlaying) return
    this.#isPlaying = true
    this.#needsKey = true
    this.source.addTaker(this)
    this.#context.wheel.schedule(this, performance.now())
  }

  pause(): void {
    this.#isPlaying = false
    this.source.removeTaker(this)
  }

  /** `seq` and `rtptime` for `RTP-Info` (RFC 2326 12.33). */
  playInfo(): { sequence: number; timestamp: number } {
    return { sequence: this.#sequence, timestamp: this.#timestampOf(this.source.nextKeyTicks()) }
  }

  takeFrame(frame: RtpFrame, next: RtpFrame, sequence: number, decodeTicks: number): void {
    const { faults, sendBufferBytes } = this.#context
    if (faults.stall || faults.silentPlay) return
    if (this.source.kind === 'video' ? faults.dropVideo : this.source.kind === 'audio' && faults.dropAudio) return
    let sent = frame
    if (frame.isKey && this.source.kind === 'video') {
      if (faults.noKeyframe || (faults.endlessGop && !this.#needsKey)) sent = next
    }
    if (this.#needsKey && !sent.isKey && !faults.noKeyframe) {
      // Before its first frame a reader is waiting, not losing.
      if (this.stats.sent > 0) this.stats.dropped++
      return
    }
    if (this.#line.isFull(sendBufferBytes)) {
      this.stats.dropped++
      if (!this.#needsKey || this.source.kind !== 'video') this.stats.backlogEvents++
      this.#needsKey = this.source.kind === 'video'
      return
    }
    this.#needsKey = false
    this.#send(sent, sequence, decodeTicks)
  }

  /** A sender report is due. */
  onDue(nowMs: number): void {
    const { faults, wheel } = this.#context
    if (!this.#isPlaying) return
    if (!faults.stall && !faults.silentPlay && !faults.dropReports) {
      const timestamp = this.#timestampOf(this.source.ticksAt(nowMs))
      const ntpUs = utcUs() + faults.ntpJumpSec * 1e6
      const report = buildSenderReport(
        this.channel + 1,
        this.#ssrc,
        ntpUs,
        timestamp,
        this.#packets,
        this.#payloadBytes,
      )
      this.#line.push(report, report.length)
    }
    wheel.schedule(this, nowMs + REPORT_INTERVAL_MS)
  }

  #timestampOf(ticks: number): number {
    const jumpTicks = this.#context.faults.rtpJumpSec * this.source.clip.clockRate
    // Kept as a whole number below 2^53; `>>> 0` takes the low 32 bits.
    return (Math.round(this.#baseTicks + ticks + jumpTicks) % 2 ** 32) >>> 0
  }

  #send(frame: RtpFrame, sequence: number, decodeTicks: number): void {
    const sizeBytes = frame.bytes.length
    const bytes = this.#line.takeBuffer(sizeBytes)
    bytes.set(frame.bytes)
    const timestamp = this.#timestampOf(decodeTicks + frame.ptsOffsetTicks)
    stampPackets(bytes, frame.packetOffsets, this.channel, this.#sequence, timestamp, this.#ssrc)
    if (frame.markOffset >= 0) patchFrameMark(bytes, frame.markOffset, sequence, utcUs())
    const packets = frame.packetOffsets.length
    this.#sequence = (this.#sequence + packets) & 0xffff
    this.#packets += packets
    this.#payloadBytes += sizeBytes - 16 * packets
    const { stats } = this
    stats.sent++
    if (stats.firstSequence < 0) stats.firstSequence = sequence
    stats.lastSequence = sequence
    const { faults } = this.#context
    if (this.oneShot === undefined && faults.lossPct === 0 && faults.corruptBytesPerFrame === 0) {
      this.#line.push(bytes, sizeBytes)
      return
    }
    const oneShot = this.oneShot ?? {}
    this.oneShot = undefined
    const damaged = damageFrame(bytes.subarray(0, sizeBytes), frame.packetOffsets, faults, oneShot)
    this.#line.push(damaged.bytes, damaged.bytes.length)
    if (damaged.outcome !== 'open') this.#onBroken(damaged.outcome)
  }
}
