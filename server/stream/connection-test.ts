// The test of one address: does a picture come, and if not, which step failed.
import type { ConnectionTest } from '../../shared/camera.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { HostResolver, type Resolver } from '../base/resolver.ts'
import { type LoginGate, processLoginGate } from '../base/retry.ts'
import { carryRoomBytes, type ReadBuffer } from '../media/rtp/interleaved.ts'
import type { SdpTrack } from '../media/rtsp/sdp.ts'
import type { VideoTrack } from '../media/track.ts'
import { createSource } from './create-source.ts'
import { type CaughtKeyframe, KeyframeCatcher } from './keyframe-catcher.ts'
import type { SourceEnd, SourceTrack } from './source.ts'
import { displayText, displayUrl } from './source-address.ts'

export interface ConnectionTestOptions {
  clock?: Clock
  resolver?: Resolver
  /** Shared by the whole process where not given. */
  loginGate?: LoginGate
  /** Makes a JPEG of the first keyframe, laid out as its track says. Where it fails there is no picture, and no more. */
  toPicture?: (track: VideoTrack, sample: Uint8Array) => Promise<Uint8Array>
  /** For the first keyframe, in milliseconds. Default 8000. */
  deadlineMs?: number
  /** Ends it early: whoever asked has gone. */
  signal?: AbortSignal
}

/** How long is waited for the frame rate, once there is a keyframe, and for a picture of it. */
const rateMs = 500
const pictureMs = 1000
/** The largest keyframe taken. */
const maxFrameBytes = 8 * 1024 * 1024

type Finding = { kind: 'ended'; end: SourceEnd } | { kind: 'keyframe'; keyframe: CaughtKeyframe | undefined }

/**
 * Fetches the stream at an address until its first keyframe, within 10 s in all, and says what is there or what failed.
 *
 * Never rejects. Lets go of the camera before it resolves.
 */
export async function testConnection(
  address: { url: string; username: string; password: string },
  options: ConnectionTestOptions = {},
): Promise<ConnectionTest> {
  const { clock = systemClock, resolver = new HostResolver({ timeoutMs: 2000 }), deadlineMs = 8000, signal } = options
  const readBuffer = testReadBuffer()
  const startUs = clock.monotonicUs()
  let described: readonly SdpTrack[] = []
  let tracks: readonly SourceTrack[] = []
  let catcher: KeyframeCatcher | undefined
  let isRated: () => void = () => undefined
  const rated = new Promise<void>((resolve) => {
    isRated = resolve
  })
  let find: (finding: Finding) => void = () => undefined
  const found = new Promise<Finding>((resolve) => {
    find = resolve
  })
  const opened = (offered: SourceTrack[]): KeyframeCatcher => {
    tracks = offered
    catcher = new KeyframeCatcher(readBuffer, offered, (keyframe) => find({ kind: 'keyframe', keyframe }), isRated)
    return catcher
  }
  let source: ReturnType<typeof createSource>
  try {
    source = createSource({
      address: { ...address, hasAudio: true },
      readBuffer,
      clock,
      resolver,
      events: {
        connecting: () => undefined,
        packetSession: opened,
        sampleSession: opened,
        ended: (end) => find({ kind: 'ended', end }),
      },
      options: {
        loginGate: options.loginGate ?? processLoginGate,
        described: (all) => {
          described = all
        },
      },
    })
  } catch (error) {
    return { isReachable: false, fault: 'path', detail: displayText((error as Error).message, address.password) }
  }
  const label = displayUrl(address.url)
  const giveUp = (): void => find({ kind: 'ended', end: endAt(label, catcher, deadlineMs) })
  const timer = setTimeout(giveUp, deadlineMs)
  signal?.addEventListener('abort', giveUp)
  if (signal?.aborted) giveUp()
  else source.start()
  const finding = await found
  clearTimeout(timer)
  signal?.removeEventListener('abort', giveUp)
  const firstKeyframeMs = Math.round((clock.monotonicUs() - startUs) / 1000)
  if (finding.kind === 'keyframe' && finding.keyframe !== undefined) await within(rateMs, rated)
  await source.close()
  if (finding.kind === 'ended') return { isReachable: false, ...finding.end }
  const { keyframe } = finding
  const audio = tracks.find((track) => track.config.kind === 'audio')
  return {
    isReachable: true,
    videoCodec: keyframe?.track.codec,
    audioCodec: audio?.config.codec,
    widthPx: keyframe?.track.widthPx,
    heightPx: keyframe?.track.heightPx,
    fps: catcher?.fps,
    firstKeyframeMs,
    warnings: warningsOf(described, tracks),
    picture: keyframe === undefined ? undefined : await pictureOf(keyframe, options.toPicture),
  }
}

/** An arena of its own: of what is not used only the addresses are taken. */
function testReadBuffer(): ReadBuffer {
  const readBytes = 256 * 1024
  return { bytes: new Uint8Array(carryRoomBytes + readBytes + maxFrameBytes), readStart: carryRoomBytes, readBytes }
}

/** What to say where time ran out: how far it came. */
function endAt(label: string, catcher: KeyframeCatcher | undefined, deadlineMs: number): SourceEnd {
  const within = `within ${Math.round(deadlineMs / 100) / 10} s`
  if (catcher === undefined) return { fault: 'connection', detail: `${label}: no session ${within}` }
  if (catcher.packets === 0) return { fault: 'silent', detail: `${label}: answered PLAY and sent nothing ${within}` }
  if (catcher.frames === 0) {
    return { fault: 'no-keyframe', detail: `${label}: sends, but no whole frame came ${within}` }
  }
  return {
    fault: 'no-keyframe',
    detail: `${label}: ${catcher.frames} frames came ${within}, none of them a keyframe; is its keyframe interval very long?`,
  }
}

/** What will not work although the picture does. */
function warningsOf(described: readonly SdpTrack[], tracks: readonly SourceTrack[]): string[] {
  const warnings: string[] = []
  const sounds = described.filter((track) => track.kind === 'audio' && track.direction !== 'sendonly')
  if (sounds.length > 0 && !tracks.some((track) => track.config.kind === 'audio')) {
    const unknown = sounds.filter((track) => track.codec === 'unsupported')
    if (unknown.length < sounds.length) warnings.push('the camera offers sound, but refuses to send it')
    else {
      const names = unknown.map((track) => displayText(track.encodingName, '')).join(', ')
      warnings.push(`sound codec ${names} is not supported`)
    }
  }
  const pictures = described.filter((track) => track.kind === 'video').length
  if (pictures > 1) warnings.push(`the camera offers ${pictures} pictures at this address; one is taken`)
  if (!tracks.some((track) => track.config.kind === 'video')) warnings.push('the camera sends sound only')
  return warnings
}

async function pictureOf(
  { track, sample }: CaughtKeyframe,
  toPicture: ConnectionTestOptions['toPicture'],
): Promise<string | undefined> {
  if (toPicture === undefined) return undefined
  try {
    const jpeg = await within(pictureMs, toPicture(track, sample))
    return jpeg === undefined ? undefined : `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`
  } catch {
    return undefined
  }
}

/** What `promise` gives, or undefined where that takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
