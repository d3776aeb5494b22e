// What can be said of a camera in a word and an icon.
import type { Camera } from '../../shared/camera.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import { formatSince } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'

const t = wordsOf({
  disabled: 'Disabled',
  recovered: 'Footage only',
  unknown: 'Not known yet',
  recording: 'Recording',
  live: 'Connected',
  connecting: 'Connecting',
  lost: 'No connection',
  part: 'Partly connected',
  notRecording: 'Not recording',
  'name-resolution': 'the host name is not known',
  connection: 'nothing answers at that address',
  tls: 'the encrypted connection failed',
  login: 'the camera refused the login',
  path: 'the camera does not know that path',
  protocol: 'the camera does not answer as RTSP asks',
  'udp-only': 'the camera offers no TCP',
  'no-tracks': 'the camera offers no picture',
  codec: 'the codec is not supported',
  'no-keyframe': 'the camera sends no keyframe',
  silent: 'the camera sends nothing',
  'closed-by-camera': 'the camera closed the connection',
  'source-failed': 'the source failed',
  'camera-lost': 'no connection to the camera',
  'no-space-set': 'it has no recording space',
  'space-error': 'the recording space has an error',
  'space-full': 'the recording space is full',
  'disk-stalled': 'the disk does not answer',
  'recorder-down': 'the recorder is down',
  stopped: 'recording was stopped',
  'power-cut-or-crash': 'a power cut or crash',
  'clock-step': 'the clock was set',
  damaged: 'the footage is damaged',
  'unknown-cause': 'the cause is not known',
})

type Cause = NonNullable<StreamHealth['fault']> | NonNullable<StreamHealth['notRecordingReason']>

/** A fault, a reason not to record, or a gap's cause, in words. */
export function causeText(
  cause: Cause | 'stopped' | 'power-cut-or-crash' | 'clock-step' | 'damaged' | 'unknown',
): string {
  return t(cause === 'unknown' ? 'unknown-cause' : cause)
}

export type StatusKind = 'recording' | 'live' | 'connecting' | 'warning' | 'lost' | 'off'

export interface CameraStatus {
  kind: StatusKind
  text: string
  /** What exactly, where something is wrong. */
  detail: string
}

/** The state of a camera from those of its streams. */
export function statusOf(camera: Camera, streams: readonly StreamHealth[]): CameraStatus {
  if (camera.isRecovered) return { kind: 'off', text: t('recovered'), detail: '' }
  if (!camera.isEnabled) return { kind: 'off', text: t('disabled'), detail: '' }
  if (streams.length === 0) return { kind: 'connecting', text: t('unknown'), detail: '' }
  const lost = streams.filter((one) => one.state === 'lost')
  if (lost.length === streams.length) return { kind: 'lost', text: t('lost'), detail: faultText(lost[0]!) }
  const idle = streams.find((one) => one.isRecordWanted && !one.isRecording && one.state !== 'connecting')
  if (idle !== undefined) return { kind: 'warning', text: t('notRecording'), detail: faultText(idle) }
  if (lost.length > 0) return { kind: 'warning', text: t('part'), detail: faultText(lost[0]!) }
  if (streams.every((one) => one.state === 'connecting' || one.state === 'off')) {
    return { kind: 'connecting', text: t('connecting'), detail: '' }
  }
  if (streams.some((one) => one.isRecording)) return { kind: 'recording', text: t('recording'), detail: '' }
  return { kind: 'live', text: t('live'), detail: '' }
}

/** What is wrong with a stream, and since when; empty where nothing is. */
export function faultText(one: StreamHealth): string {
  const cause = one.state === 'lost' ? one.fault : one.notRecordingReason
  if (cause === undefined) return ''
  return `${causeText(cause).replace(/^./, (first) => first.toUpperCase())}, since ${formatSince(one.sinceMs)}`
}
