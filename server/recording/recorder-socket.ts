// The recorder's end of its Unix socket: one server at a time, found again whenever it comes back.
import { unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { LineLog } from '../base/line-log.ts'
import type { TrackConfig } from '../media/track.ts'
import {
  FrameReader,
  jsonFrame,
  keyframeFrame,
  liveSampleFrame,
  messageTypes,
  parseJsonPayload,
} from './message-frame.ts'
import type { Recorder } from './recorder.ts'
import {
  type FromRecorder,
  type RecorderEvent,
  type RecorderSettings,
  recorderProtocolVersion,
  type ToRecorder,
} from './recorder-protocol.ts'

export interface RecorderSocketOptions {
  path: string
  version: string
  bootId: string
  startedUs: number
  logger: LineLog
  recorder: Recorder
  /** New settings came: they are kept, then applied; resolves when they are. */
  onSettings: (settings: RecorderSettings) => Promise<void>
  onShutdown: () => void
}

/** Events kept for a server that is away; past this it must look at the files. */
const maxKeptEvents = 20_000
/** Live samples waiting for a server that does not read; past this they are dropped to the next keyframe. */
const maxBacklogBytes = 16 * 1024 * 1024

export class RecorderSocket {
  readonly #options: RecorderSocketOptions
  readonly #server: Server
  #peer: Socket | undefined
  #events: { eventNumber: number; event: RecorderEvent }[] = []
  #lastEventNumber = 0
  #hasLostEvents = false
  /** What the server wants to watch, whether or not it runs now. */
  #watchNumbers = new Map<string, number>()
  /** Of which of it the sound too. */
  readonly #heard = new Set<string>()
  #lastCpu = process.cpuUsage()
  #lastCpuMs = performance.now()

  constructor(options: RecorderSocketOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#onPeer(socket))
  }

  /** Listens. False where another recorder already answers on this path. */
  async listen(): Promise<boolean> {
    const { path } = this.#options
    const isTaken = await new Promise<boolean>((resolve) => {
      const probe = connect(path, () => {
        probe.destroy()
        resolve(true)
      })
      probe.on('error', () => resolve(false))
    })
    if (isTaken) return false
    try {
      unlinkSync(path)
    } catch {
      // None was left behind.
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
    return true
  }

  /** Reports what the server must not miss: kept until it acknowledges. */
  report(event: RecorderEvent): void {
    const kept = { eventNumber: ++this.#lastEventNumber, event }
    this.#events.push(kept)
    if (this.#events.length > maxKeptEvents) {
      this.#events.splice(0, this.#events.length - maxKeptEvents)
      this.#hasLostEvents = true
    }
    this.#send({ type: 'event', ...kept })
  }

  /** Once a second. */
  sendStatus(): void {
    const { recorder } = this.#options
    const cpu = process.cpuUsage(this.#lastCpu)
    const nowMs = performance.now()
    const seconds = (nowMs - this.#lastCpuMs) / 1000
    this.#lastCpu = process.cpuUsage()
    this.#lastCpuMs = nowMs
    const streams = recorder.health()
    if (this.#peer === undefined) return
    this.#send({
      type: 'status',
      streams,
      spaces: recorder.spaces(),
      open: recorder.progress(),
      cpuMsPerSec: Math.round((cpu.user + cpu.system) / 100 / seconds) / 10,
      rssMb: Math.round(process.memoryUsage.rss() / 1048576),
    })
  }

  #send(message: FromRecorder): void {
    this.#peer?.write(jsonFrame(message))
  }

  #onPeer(socket: Socket): void {
    const reader = new FrameReader()
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk, (type, payload) => {
          if (type === messageTypes.json) this.#onMessage(socket, parseJsonPayload(payload) as ToRecorder)
        })
      } catch (error) {
        this.#options.logger.error({ err: error }, 'the server sent what cannot be read')
        socket.destroy()
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (this.#peer === socket) this.#letGo()
    })
  }

  #letGo(): void {
    this.#peer = undefined
    this.#options.recorder.setPins([])
    for (const key of this.#watchNumbers.keys()) this.#unwatch(key)
    this.#heard.clear()
  }

  #onMessage(socket: Socket, message: ToRecorder): void {
    const { recorder } = this.#options
    switch (message.type) {
      case 'hello':
        this.#greet(socket)
        return
      case 'ping':
        socket.write(jsonFrame({ type: 'pong', id: message.id } satisfies FromRecorder))
        return
      case 'configure':
        void this.#options.onSettings(message.settings).then(() => this.#watchAnew())
        return
      case 'acknowledge':
        this.#acknowledge(message.eventNumber)
        return
      case 'watch':
        this.#watch(message.cameraId, message.stream, message.isWanted)
        return
      case 'watch-sound': {
        const key = `${message.cameraId}/${message.stream}`
        if (message.isWanted) this.#heard.add(key)
        else this.#heard.delete(key)
        return
      }
      case 'get-keyframe':
        void this.#sendKeyframe(message.requestId, message.cameraId, message.stream)
        return
      case 'pin':
        recorder.setPins(message.pins)
        return
      case 'remove-footage':
        recorder.removeFootage(message.cameraId).catch((error: unknown) => {
          this.#options.logger.error({ err: error }, `remove footage of ${message.cameraId}`)
        })
        return
      case 'shutdown':
        this.#options.onShutdown()
        return
    }
  }

  /** The newest server counts: an older one that still hangs on is let go. */
  #greet(socket: Socket): void {
    const { version, startedUs, bootId, recorder } = this.#options
    if (this.#peer !== undefined && this.#peer !== socket) {
      const former = this.#peer
      this.#letGo()
      former.destroy()
    }
    this.#peer = socket
    this.#send({
      type: 'hello',
      protocol: recorderProtocolVersion,
      version,
      pid: process.pid,
      startedUs,
      bootId,
      settingsRevision: recorder.settings?.revision ?? 0,
      isFirstEventKnown: !this.#hasLostEvents,
    })
    if (this.#hasLostEvents) this.#send({ type: 'events-lost' })
    this.#hasLostEvents = false
    for (const kept of this.#events) this.#send({ type: 'event', ...kept })
  }

  #acknowledge(eventNumber: number): void {
    let count = 0
    for (const kept of this.#events) {
      if (kept.eventNumber > eventNumber) break
      count++
      if (kept.event.type === 'segments-removed') {
        this.#options.recorder.acknowledgeRemoved(kept.event.spaceId, kept.event.sequences)
      }
    }
    this.#events.splice(0, count)
  }

  #watch(cameraId: string, streamNumber: number, isWanted: boolean): void {
    const key = `${cameraId}/${streamNumber}`
    if (!isWanted) {
      this.#unwatch(key)
      return
    }
    // Also where there is no such stream yet: it may be made by settings on their way.
    const watchNumber = this.#watchNumbers.get(key) ?? this.#freeWatchNumber()
    this.#watchNumbers.set(key, watchNumber)
    if (!this.#begin(cameraId, streamNumber, watchNumber)) {
      this.#send({ type: 'watch-ended', cameraId, stream: streamNumber, reason: 'no such stream is running' })
    }
  }

  /** Streams whose settings changed were made anew: who watched them goes on. */
  #watchAnew(): void {
    for (const [key, watchNumber] of this.#watchNumbers) {
      const [cameraId, stream] = key.split('/')
      if (this.#options.recorder.stream(cameraId!, Number(stream))?.isWatched === false) {
        this.#begin(cameraId!, Number(stream), watchNumber)
      }
    }
  }

  /** False where there is no such stream. */
  #begin(cameraId: string, streamNumber: number, watchNumber: number): boolean {
    const stream = this.#options.recorder.stream(cameraId, streamNumber)
    if (stream === undefined) return false
    const key = `${cameraId}/${streamNumber}`
    let isBehind = false
    stream.watch({
      config: (tracks: TrackConfig[]) => {
        this.#send({ type: 'watch-config', watchNumber, cameraId, stream: streamNumber, tracks })
      },
      sample: (sample, bytes, start, end) => {
        const peer = this.#peer
        if (peer === undefined) return
        // Each message wakes the server: sound that nobody hears would nearly double how often.
        if (sample.track === 'audio' && !this.#heard.has(key)) return
        if (peer.writableLength > maxBacklogBytes) isBehind = true
        else if (isBehind && sample.track === 'video' && sample.isKey) isBehind = false
        if (!isBehind) peer.write(liveSampleFrame({ watchNumber, ...sample }, bytes, start, end))
      },
      ended: (reason) => this.#send({ type: 'watch-ended', cameraId, stream: streamNumber, reason }),
    })
    return true
  }

  #freeWatchNumber(): number {
    const taken = new Set(this.#watchNumbers.values())
    for (let number = 1; ; number++) if (!taken.has(number)) return number
  }

  #unwatch(key: string): void {
    if (!this.#watchNumbers.delete(key)) return
    const [cameraId, stream] = key.split('/')
    this.#options.recorder.stream(cameraId!, Number(stream))?.unwatch()
  }

  async #sendKeyframe(requestId: number, cameraId: string, stream: number): Promise<void> {
    const found = await this.#options.recorder
      .stream(cameraId, stream)
      ?.keyframe()
      .catch(() => undefined)
    if (found === undefined) {
      this.#send({ type: 'keyframe', requestId, isFound: false, utcUs: 0 })
      return
    }
    this.#send({ type: 'keyframe', requestId, isFound: true, utcUs: found.utcUs, config: found.config })
    this.#peer?.write(keyframeFrame(requestId, found.data))
  }

  /** Gives what is queued to the server, as far as it reads, and ends. */
  async close(): Promise<void> {
    this.#server.close()
    const peer = this.#peer
    this.#peer = undefined
    if (peer === undefined) return
    await Promise.race([
      new Promise<void>((resolve) => peer.end(() => resolve())),
      new Promise<void>((resolve) => setTimeout(resolve, 300)),
    ])
    peer.destroy()
  }
}
