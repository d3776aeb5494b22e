// One simulated camera: its streams, its faults, who reads it.
import type { AuthScheme } from './doorkeeper.ts'
import { Doorkeeper } from './doorkeeper.ts'
import type { Faults, FaultWish, OneShotFaults } from './fault.ts'
import { NO_FAULTS } from './fault.ts'
import type { PtzHead } from './ptz-head.ts'
import type { RtpClip } from './rtp-clip.ts'
import type { ConnectionStats, RtspConnection } from './rtsp-connection.ts'
import type { Stream, StreamContext } from './stream.ts'
import type { TimeWheel } from './time-wheel.ts'

/** What a camera is made of. */
export interface CameraParts {
  name: string
  title: string
  auth: AuthScheme
  user: string
  password: string
  lineMbit: number
  sendBufferBytes: number
  sessionTimeoutSec: number
  streams: Stream[]
  /** Clips the fault `clip` may name. */
  clips: Map<string, RtpClip>
  wheel: TimeWheel
  /** Of a camera that can be turned. */
  head?: PtzHead | undefined
}

/** A camera's numbers; those of closed connections stay in `closed`. */
export interface CameraStats {
  name: string
  connectionsMade: number
  connectionsOpen: number
  /** Frames each stream's picture made while someone read it. */
  generated: Record<string, number>
  connections: ConnectionStats[]
  /** The latest 16 connections that ended. */
  closed: ConnectionStats[]
}

const CLOSED_KEPT = 16

/** Changes by `setFaults` reach every open connection at once. */
export class Camera {
  readonly name: string
  readonly title: string
  readonly user: string
  readonly password: string
  readonly auth: AuthScheme
  readonly sessionTimeoutSec: number
  readonly streams: Stream[]
  /** Undefined where the camera cannot be turned. */
  readonly head: PtzHead | undefined
  readonly doorkeeper: Doorkeeper
  readonly context: StreamContext
  readonly connections = new Set<RtspConnection>()
  connectionsMade = 0
  /** Called when `refuse` is set or cleared; the farm opens and closes listeners by it. */
  onRefuseChanged: (isRefused: boolean) => void = () => undefined
  #lineMbit: number
  #clips: Map<string, RtpClip>
  #ownClips: Map<Stream, RtpClip>
  #closed: ConnectionStats[] = []

  constructor(parts: CameraParts) {
    this.name = parts.name
    this.title = parts.title
    this.user = parts.user
    this.password = parts.password
    this.auth = parts.auth
    this.sessionTimeoutSec = parts.sessionTimeoutSec
    this.streams = parts.streams
    this.head = parts.head
    this.doorkeeper = new Doorkeeper(parts.auth, `nightjar-${parts.name}`, parts.user, parts.password)
    this.context = { wheel: parts.wheel, faults: { ...NO_FAULTS }, sendBufferBytes: parts.sendBufferBytes }
    this.#lineMbit = parts.lineMbit
    this.#clips = parts.clips
    this.#ownClips = new Map(parts.streams.map((stream) => [stream, stream.tracks[0]!.clip]))
  }

  /** The line's rate now. */
  get lineMbit(): number {
    return this.context.faults.rateMbit ?? this.#lineMbit
  }

  /** Changes the named faults; one-shot ones are done to every connection that plays. */
  setFaults(wish: FaultWish): void {
    const { faults } = this.context
    const { cut, garbageBytes, garbageInsideBytes, lieBytes, ...standing } = wish
    if (standing.clip && !this.#clips.has(standing.clip)) throw new TypeError(`fault: no clip ${standing.clip}`)
    const wasRefused = faults.refuse
    Object.assign(faults, standing)
    if (wish.clip !== undefined) this.#showClip(faults.clip)
    if (faults.refuse) for (const connection of this.connections) connection.destroy()
    if (faults.refuse !== wasRefused) this.onRefuseChanged(faults.refuse)
    for (const connection of this.connections) connection.followLineRate()
    const oneShot: OneShotFaults = { cut, garbageBytes, garbageInsideBytes, lieBytes }
    if (Object.values(oneShot).some((value) => value !== undefined)) this.#harmOnce(oneShot)
  }

  clearFaults(): void {
    this.setFaults({ ...NO_FAULTS } satisfies Faults)
  }

  /** Takes a connection that has ended off the books. */
  forget(connection: RtspConnection): void {
    if (!this.connections.delete(connection)) return
    this.#closed.push(connection.stats)
    if (this.#closed.length > CLOSED_KEPT) this.#closed.shift()
  }

  get stats(): CameraStats {
    return {
      name: this.name,
      connectionsMade: this.connectionsMade,
      connectionsOpen: this.connections.size,
      generated: Object.fromEntries(this.streams.map((stream) => [stream.name, stream.tracks[0]!.generated])),
      connections: [...this.connections].map((connection) => connection.stats),
      closed: this.#closed,
    }
  }

  /** Only the first stream, the main one, changes its resolution. */
  #showClip(name: string | null): void {
    const stream = this.streams[0]!
    stream.tracks[0]!.switchClip(name === null ? this.#ownClips.get(stream)! : this.#clips.get(name)!)
  }

  #harmOnce(oneShot: OneShotFaults): void {
    for (const connection of this.connections) {
      const readers = connection.readers
      const victim = readers.find((reader) => reader.source.kind === 'video') ?? readers[0]
      if (victim) victim.oneShot = oneShot
    }
  }
}
