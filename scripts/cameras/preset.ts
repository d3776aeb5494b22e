// Which cameras there are to choose from, and what each is made of.
import type { AudioCodec, Look } from './clip-recipe.ts'
import type { AuthScheme } from './doorkeeper.ts'

/** A stream to be served. */
export interface StreamSpec {
  /** Last part of its path. */
  name: string
  /** A name of `VIDEO_RECIPES`. */
  clip: string
  audio?: AudioCodec
  /** Adds an ONVIF metadata track. */
  metadata?: boolean
}

/** A camera to be made. */
export interface CameraSpec {
  /** First part of its paths; letters and digits. */
  name: string
  /** What a person calls it; also written into its pictures. Default: a title all cameras share. */
  title?: string
  look?: Look
  auth?: AuthScheme
  user?: string
  password?: string
  /** Gives it a head that can be turned, by ONVIF PTZ. */
  hasPtz?: boolean
  /** The first is the main one. */
  streams: StreamSpec[]
}

/** `plain`: main and sub, both with AAC. `bench`: main with AAC alone. `demo`: four that look and work differently. */
export type Preset = 'plain' | 'bench' | 'demo'

export function presetCameras(preset: Preset, count: number): CameraSpec[] {
  if (preset === 'demo') return DEMO.slice(0, count)
  const streams: StreamSpec[] = [{ name: 'main', clip: 'main', audio: 'aac' }]
  if (preset === 'plain') streams.push({ name: 'sub', clip: 'sub', audio: 'aac' })
  return Array.from({ length: count }, (_, i) => ({ name: `cam${i + 1}`, streams }))
}

/** Cameras that serve one stream for each of the named clips, the first with sound. */
export function camerasOfClips(clips: string[], audio: AudioCodec | undefined, count: number): CameraSpec[] {
  const streams = clips.map((clip) => ({ name: clip, clip, ...(audio ? { audio } : {}) }))
  return Array.from({ length: count }, (_, i) => ({ name: `cam${i + 1}`, streams }))
}

const DEMO: CameraSpec[] = [
  {
    name: 'cam1',
    title: 'Front door',
    look: 'dusk',
    streams: [
      { name: 'main', clip: 'main', audio: 'aac', metadata: true },
      { name: 'sub', clip: 'sub', audio: 'aac' },
    ],
  },
  {
    name: 'cam2',
    title: 'Garden',
    look: 'meadow',
    streams: [
      { name: 'main', clip: 'main', audio: 'pcmu' },
      { name: 'sub', clip: 'sub', audio: 'pcmu' },
    ],
  },
  {
    name: 'cam3',
    title: 'Workshop',
    look: 'ember',
    streams: [
      { name: 'main', clip: 'h265', audio: 'aac' },
      { name: 'sub', clip: 'sub' },
    ],
  },
  {
    name: 'cam4',
    title: 'Car park',
    look: 'chart',
    hasPtz: true,
    streams: [
      { name: 'main', clip: 'bframes', audio: 'pcma' },
      { name: 'sub', clip: 'mjpeg' },
    ],
  },
]
