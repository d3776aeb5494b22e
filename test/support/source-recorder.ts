// The owner of a source, in tests: notes all it is told.
import { systemClock } from '../../server/base/clock.ts'
import { HostResolver } from '../../server/base/resolver.ts'
import { LoginGate } from '../../server/base/retry.ts'
import { carryRoomBytes, type ReadBuffer } from '../../server/media/rtp/interleaved.ts'
import { RtspSource, type RtspSourceOptions } from '../../server/stream/rtsp-source.ts'
import type { PacketSink, SampleSink, SourceEnd, SourceEvents, SourceTrack } from '../../server/stream/source.ts'

export function testReadBuffer(): ReadBuffer {
  return { bytes: new Uint8Array(carryRoomBytes + 512 * 1024), readStart: carryRoomBytes, readBytes: 512 * 1024 }
}

export interface NotedSample {
  track: number
  dtsTicks: number
  ctsTicks: number
  isKey: boolean
  data: Uint8Array
}

export class SourceRecorder implements SourceEvents {
  readonly tracks: SourceTrack[][] = []
  readonly ends: (SourceEnd & { retryMs: number; atMs: number })[] = []
  readonly samples: NotedSample[] = []
  connects = 0
  rtpPackets = 0
  rtcpPackets = 0
  /** Sequence numbers of track 0. */
  readonly sequences: number[] = []
  /** Called for each RTP packet, in place of nothing. */
  onRtp: ((track: number, bytes: Uint8Array, start: number, end: number) => void) | undefined
  readonly bugs: unknown[] = []

  connecting(): void {
    this.connects++
  }

  packetSession(tracks: SourceTrack[]): PacketSink {
    this.tracks.push(tracks)
    return {
      rtp: (track, bytes, start, end) => {
        this.rtpPackets++
        if (track === 0) this.sequences.push(bytes[start + 2]! * 256 + bytes[start + 3]!)
        this.onRtp?.(track, bytes, start, end)
      },
      rtcp: () => {
        this.rtcpPackets++
      },
    }
  }

  sampleSession(tracks: SourceTrack[]): SampleSink {
    this.tracks.push(tracks)
    return {
      sample: (track, dtsTicks, ctsTicks, isKey, data) => {
        this.samples.push({ track, dtsTicks, ctsTicks, isKey, data: data.slice() })
      },
    }
  }

  ended(end: SourceEnd, retryAtUs: number): void {
    const nowUs = systemClock.monotonicUs()
    this.ends.push({ ...end, retryMs: (retryAtUs - nowUs) / 1000, atMs: nowUs / 1000 })
  }
}

/** A source over RTSP with short times, for a peer in the same process. */
export function testRtspSource(
  url: string,
  recorder: SourceRecorder,
  options: RtspSourceOptions & {
    username?: string
    password?: string
    hasAudio?: boolean
    resolver?: HostResolver
  } = {},
): RtspSource {
  const { username = '', password = '', hasAudio = true, resolver, ...rest } = options
  return new RtspSource({
    address: { url, username, password, hasAudio },
    readBuffer: testReadBuffer(),
    clock: systemClock,
    resolver: resolver ?? new HostResolver(),
    events: recorder,
    options: {
      retryMs: [50, 100],
      loginGate: new LoginGate(systemClock),
      onBug: (error) => recorder.bugs.push(error),
      ...rest,
      times: {
        connectMs: 1000,
        requestMs: 1000,
        describeMs: 1000,
        firstPacketMs: 400,
        stallMs: 300,
        reportMs: 200,
        tickMs: 20,
        ...rest.times,
      },
    },
  })
}

/** Waits until `condition` holds, 10 s at most. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
