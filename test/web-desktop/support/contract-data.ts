// The cameras a contract server begins with, and what it says of their streams.
import type { Camera } from '../../../shared/camera.ts'
import type { Gap } from '../../../shared/recording.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import type { Span } from '../../../shared/time.ts'

export const minuteMs = 60_000
export const hourMs = 3_600_000

export type CameraSort = 'plain' | 'aac' | 'g711' | 'h265' | 'mjpeg' | 'lost'

export interface TestCamera {
  camera: Camera
  sort: CameraSort
  spans: Span[]
  gaps: Gap[]
}

function id(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}

export const cameraIds = { yard: id(1), gate: id(2), hall: id(3), lab: id(4), old: id(5), shed: id(6) }

function make(n: number, name: string, brand: string, model: string, sort: CameraSort): TestCamera {
  return {
    sort,
    spans: [],
    gaps: [],
    camera: {
      id: id(n),
      channel: n,
      name,
      brand,
      model,
      onvifHost: `192.0.2.${10 + n}`,
      onvifPort: 80,
      username: 'viewer',
      hasPassword: true,
      streams: [
        {
          stream: 1,
          url: `rtsp://192.0.2.${10 + n}/main`,
          isRecorded: true,
          hasAudio: sort === 'aac' || sort === 'g711',
        },
        ...(sort === 'mjpeg'
          ? []
          : [{ stream: 2, url: `rtsp://192.0.2.${10 + n}/sub`, isRecorded: false, hasAudio: false }]),
      ],
      isEnabled: true,
      spaceId: 'space-1',
      isRecovered: false,
      createdMs: 1_790_000_000_000,
    },
  }
}

/**
 * Six cameras, one of each sort. Footage of all reaches from two hours before `nowMs` to the present, the yard's with a
 * gap of five minutes that ends forty minutes before it; the shed's ended an hour ago, when it was lost.
 */
export function testCameras(nowMs: number): TestCamera[] {
  const base = Math.floor(nowMs / minuteMs) * minuteMs
  const start = base - 2 * hourMs
  const all = [
    make(1, 'Yard', 'Acme', 'Dome 4', 'aac'),
    make(2, 'Gate', 'Acme', 'Bullet 2', 'g711'),
    make(3, 'Hall', 'Borealis', 'B-210', 'plain'),
    make(4, 'Laboratory', 'Borealis', 'B-900', 'h265'),
    make(5, 'Old Tower', 'Cirrus', 'MJ-1', 'mjpeg'),
    make(6, 'Shed', 'Acme', 'Dome 4', 'lost'),
  ]
  for (const one of all) one.spans = [{ startMs: start, endMs: Number.POSITIVE_INFINITY }]
  const gapStart = base - 45 * minuteMs
  const gapEnd = base - 40 * minuteMs
  all[0]!.spans = [
    { startMs: start, endMs: gapStart },
    { startMs: gapEnd, endMs: Number.POSITIVE_INFINITY },
  ]
  all[0]!.gaps = [
    {
      cameraId: id(1),
      stream: 1,
      startMs: gapStart,
      endMs: gapEnd,
      cause: 'connection',
      detail: 'connect 192.0.2.11:554: connection refused',
    },
  ]
  all[5]!.spans = [{ startMs: start, endMs: base - hourMs }]
  all[5]!.gaps = [
    {
      cameraId: id(6),
      stream: 1,
      startMs: base - hourMs,
      cause: 'login',
      detail: 'rtsp://192.0.2.16/main: 401 Unauthorized (Digest)',
    },
  ]
  return all
}

export function healthOfAll(cameras: TestCamera[], nowMs: number): StreamHealth[] {
  return cameras.flatMap(({ camera, sort }) =>
    camera.streams.map((one): StreamHealth => {
      const isMain = one.stream === 1
      const common = {
        cameraId: camera.id,
        stream: one.stream,
        lostPackets: isMain ? 3 : 0,
        droppedFrames: 0,
        isRecordWanted: one.isRecorded,
        viewers: 0,
      }
      if (sort === 'lost') {
        return {
          ...common,
          state: 'lost',
          sinceMs: Math.floor(nowMs / minuteMs) * minuteMs - hourMs,
          fault: 'login',
          faultDetail: `${one.url}: 401 Unauthorized (Digest)`,
          retryMs: nowMs + 6000,
          isRecording: false,
          ...(isMain ? { notRecordingReason: 'camera-lost' as const } : {}),
        }
      }
      return {
        ...common,
        state: 'live',
        sinceMs: nowMs - 40 * minuteMs,
        videoCodec: sort === 'mjpeg' ? 'mjpeg' : sort === 'h265' ? 'h265' : 'h264',
        ...(sort === 'aac' && isMain ? { audioCodec: 'aac' as const } : {}),
        ...(sort === 'g711' && isMain ? { audioCodec: 'pcmu' as const } : {}),
        widthPx: isMain ? 1920 : 640,
        heightPx: isMain ? 1080 : 360,
        fps: isMain ? 25 : 15,
        bitrateKbps: isMain ? 4096 + Math.round(400 * Math.sin(nowMs / 4000 + camera.channel)) : 512,
        gopSec: 2,
        lastKeyframeMs: nowMs - (nowMs % 2000),
        clockOffsetMs: 12 * camera.channel,
        spillSec: 0.1,
        isRecording: one.isRecorded,
      }
    }),
  )
}
