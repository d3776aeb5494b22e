// The server's end of the recorder's socket: finds the recorder or starts it, watches over it, and hears what it says.
import { spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Logger } from '../base/logger.ts'
import type { TrackConfig } from '../media/track.ts'
import type { LiveReader } from '../stream/live-reader.ts'
import { lastSettingsName } from './last-settings.ts'
import {
  FrameReader,
  jsonFrame,
  messageTypes,
  parseJsonPayload,
  parseLiveSample,
  trackNumbers,
} from './message-frame.ts'
import type { RecorderHello, RecorderLink, RecorderStatus } from './recorder-link.ts'
import {
  type FromRecorder,
  type RecorderEvent,
  type RecorderSettings,
  recorderProtocolVersion,
  type ToRecorder,
} from './recorder-protocol.ts'

export interface Keyframe {
  data: Uint8Array
  utcUs: number
  config: TrackConfig
}

export interface RecorderClientOptions {
  dataDir: string
  /** The program to start where no recorder answers: path of `recorder-main.ts`. Undefined where something else keeps one
   * running, such as systemd: then it is waited for. */
  recorderMain: string | undefined
  /** The Node to start it with; that of this process where it is not given. */
  nodePath?: string
  serverVersion: string
  logLevel: string
  logger: Logger
}

/** Often enough that a hang is seen, ended and replaced within 10 s. */
const pingMs = 1000
/** A recorder that has not answered for so long hangs: it is killed and started anew. */
const hangMs = 7000
const retryMs = 300
const keyframePatienceMs = 3000
/** A main stream's keyframe fits. */
const readBufferBytes = 256 * 1024

export class RecorderClient implements RecorderLink {
  readonly #options: RecorderClientOptions
  readonly #eventListeners: ((event: RecorderEvent) => Promise<void>)[] = []
  readonly #statusListeners: ((status: RecorderStatus) => void)[] = []
  readonly #lostListeners: (() => void)[] = []
  readonly #connectedListeners: ((hello: RecorderHello) => void)[] = []
  readonly #disconnectedListeners: (() => void)[] = []
  readonly #watches = new Map<
    string,
    { cameraId: string; stream: number; readers: Set<LiveReader>; tracks: TrackConfig[] | undefined }
  >()
  /** Streams whose sound is wanted. */
  readonly #heard = new Map<string, { cameraId: string; stream: number }>()
  readonly #watchKeys = new Map<number, string>()
  readonly #keyframes = new Map<number, (found: Keyframe | undefined) => void>()
  readonly #keyframeHeads = new Map<number, { utcUs: number; config: TrackConfig }>()
  readonly #readBuffer = Buffer.allocUnsafeSlow(readBufferBytes)
  #reader = new FrameReader()
  #socket: Socket | undefined
  #hello: RecorderHello | undefined
  #settings: RecorderSettings | undefined
  #isClosed = false
  /** A recorder was started, and may not answer yet. */
  #isLaunched = false
  #events: { eventNumber: number; event: RecorderEvent }[] = []
  #isHandling = false
  #lastEventNumber = 0
  #knownStartUs = 0
  #lastHeardMs = 0
  #pinging: NodeJS.Timeout | undefined
  #requestId = 0
  #firstConnection: (() => void) | undefined

  constructor(options: RecorderClientOptions) {
    this.#options = options
  }

  onEvent(listener: (event: RecorderEvent) => Promise<void>): void {
    this.#eventListeners.push(listener)
  }

  onStatus(listener: (status: RecorderStatus) => void): void {
    this.#statusListeners.push(listener)
  }

  onEventsLost(listener: () => void): void {
    this.#lostListeners.push(listener)
  }

  onConnected(listener: (hello: RecorderHello) => void): void {
    this.#connectedListeners.push(listener)
  }

  onDisconnected(listener: () => void): void {
    this.#disconnectedListeners.push(listener)
  }

  /**
   * Starts a recorder where none answers and one has left settings to begin with. It needs nobody in order to record: what
   * else the server must load first would only cost footage. `start` then finds it.
   */
  async startEarly(): Promise<void> {
    if (!existsSync(join(this.#options.dataDir, lastSettingsName))) return
    const socket = await this.#connect()
    socket?.destroy()
    if (socket !== undefined) return
    this.#launch()
    this.#isLaunched = true
  }

  /** Finds the recorder, or starts one. Resolves when it is connected. */
  async start(): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      this.#firstConnection = resolve
    })
    void this.#keepConnected()
    await connected
  }

  async #keepConnected(): Promise<void> {
    for (let tries = 0; !this.#isClosed; tries++) {
      const socket = await this.#connect()
      if (socket !== undefined) {
        this.#isLaunched = false
        tries = 0
        await this.#converse(socket)
        continue
      }
      // One that was just started needs a moment before it answers; one that ended at once is started again.
      if (!this.#isLaunched || tries % 20 === 19) {
        this.#launch()
        this.#isLaunched = true
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }

  #onBytes(socket: Socket, count: number): boolean {
    this.#lastHeardMs = performance.now()
    try {
      this.#reader.push(this.#readBuffer.subarray(0, count), (type, payload) => this.#onFrame(type, payload))
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the recorder sent what cannot be read')
      socket.destroy()
    }
    return true
  }

  #connect(): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const socket: Socket = connect({
        path: join(this.#options.dataDir, 'recorder.sock'),
        // Read into the same bytes each time: a new chunk for each read would be most of a watched stream's garbage.
        onread: { buffer: this.#readBuffer, callback: (bytes) => this.#onBytes(socket, bytes) },
      })
      socket.once('connect', () => resolve(socket))
      socket.once('error', () => resolve(undefined))
    })
  }

  /** Starts a recorder that outlives this process. */
  #launch(): void {
    const { dataDir, recorderMain, nodePath = process.execPath, logLevel, logger } = this.#options
    if (recorderMain === undefined) return
    logger.info('starting the recorder')
    const log = openSync(join(dataDir, 'recorder.log'), 'a', 0o640)
    const child = spawn(nodePath, ['--max-semi-space-size=1', '--v8-pool-size=1', recorderMain], {
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        NIGHTJAR_DATA_DIR: dataDir,
        NIGHTJAR_LOG_LEVEL: logLevel,
        UV_THREADPOOL_SIZE: '64',
        // Compiled code is kept, so that the compiler's own memory (30 MB) is not the recorder's for ever.
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(dataDir, 'compile-cache'),
      },
    })
    child.on('error', (error) => logger.error({ err: error }, 'start the recorder'))
    child.unref()
  }

  /** Speaks with the recorder until the connection ends. */
  async #converse(socket: Socket): Promise<void> {
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => socket.destroy())
    this.#reader = new FrameReader()
    this.#socket = socket
    this.#lastHeardMs = performance.now()
    this.#send({ type: 'hello', protocol: recorderProtocolVersion, serverVersion: this.#options.serverVersion })
    this.#pinging = setInterval(() => this.#ping(), pingMs)
    this.#ring()
    await ended
    clearInterval(this.#pinging)
    this.#socket = undefined
    const wasConnected = this.#hello !== undefined
    this.#hello = undefined
    this.#events = []
    this.#watchKeys.clear()
    for (const resolve of this.#keyframes.values()) resolve(undefined)
    for (const watch of this.#watches.values()) {
      watch.tracks = undefined
      for (const sampleReader of watch.readers) sampleReader.ended('the recorder is not connected')
    }
    if (wasConnected && !this.#isClosed) for (const listener of this.#disconnectedListeners) listener()
  }

  #ping(): void {
    if (performance.now() - this.#lastHeardMs > hangMs) void this.#killHung()
    else this.#send({ type: 'ping', id: 0 })
  }

  async #killHung(): Promise<void> {
    const { dataDir, logger } = this.#options
    const text = await readFile(join(dataDir, 'recorder.pid'), 'utf8').catch(() => '')
    const pid = this.#hello?.pid ?? Number.parseInt(text, 10)
    logger.error(`the recorder hangs: it has said nothing for ${hangMs / 1000} s and is started anew`)
    if (Number.isInteger(pid) && pid > 1) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    this.#socket?.destroy()
  }

  #send(message: ToRecorder): void {
    this.#socket?.write(jsonFrame(message))
  }

  /** Ends the recorder's nap: somebody waits for an answer. */
  #ring(): void {
    const bell = connect(join(this.#options.dataDir, 'recorder.bell'), () => bell.end())
    bell.on('error', () => bell.destroy())
  }

  #onFrame(type: number, payload: Buffer): void {
    if (type === messageTypes.liveSample) {
      const { head, data } = parseLiveSample(payload)
      const key = this.#watchKeys.get(head.watchNumber)
      const watch = key === undefined ? undefined : this.#watches.get(key)
      if (watch === undefined) return
      const track = trackNumbers[head.track]
      for (const reader of watch.readers) {
        reader.sample(track, head.isKey, head.isBurst, head.dtsTicks, head.ctsTicks, head.utcUs, data)
      }
      return
    }
    if (type === messageTypes.keyframe) {
      const requestId = payload.readUInt32BE(0)
      const head = this.#keyframeHeads.get(requestId)
      this.#keyframeHeads.delete(requestId)
      this.#answerKeyframe(requestId, head && { ...head, data: new Uint8Array(payload.subarray(4)) })
      return
    }
    if (type === messageTypes.json) this.#onMessage(parseJsonPayload(payload) as FromRecorder)
  }

  #onMessage(message: FromRecorder): void {
    switch (message.type) {
      case 'hello':
        this.#onHello(message)
        return
      case 'event':
        if (message.eventNumber > this.#lastEventNumber) this.#events.push(message)
        void this.#handleEvents()
        return
      case 'events-lost':
        for (const listener of this.#lostListeners) listener()
        return
      case 'status':
        for (const listener of this.#statusListeners) listener(message)
        return
      case 'watch-config': {
        const key = `${message.cameraId}/${message.stream}`
        const watch = this.#watches.get(key)
        if (watch === undefined) return
        this.#watchKeys.set(message.watchNumber, key)
        watch.tracks = message.tracks
        for (const reader of watch.readers) reader.config(message.tracks)
        return
      }
      case 'watch-ended': {
        const watch = this.#watches.get(`${message.cameraId}/${message.stream}`)
        if (watch === undefined) return
        watch.tracks = undefined
        for (const reader of watch.readers) reader.ended(message.reason)
        return
      }
      case 'keyframe':
        if (message.isFound && message.config !== undefined) {
          this.#keyframeHeads.set(message.requestId, { utcUs: message.utcUs, config: message.config })
        } else {
          this.#answerKeyframe(message.requestId, undefined)
        }
        return
      case 'pong':
        return
    }
  }

  #onHello(hello: RecorderHello): void {
    if (hello.protocol !== recorderProtocolVersion) {
      // An upgrade changed the language: the recorder closes its segments and the new one takes over.
      this.#options.logger.warn(`the recorder speaks version ${hello.protocol}: it is replaced`)
      this.#send({ type: 'shutdown' })
      return
    }
    this.#hello = hello
    if (hello.startedUs !== this.#knownStartUs) {
      this.#lastEventNumber = 0
      // What an earlier recorder reported and nobody took in is only in the files.
      for (const listener of this.#lostListeners) listener()
    }
    this.#knownStartUs = hello.startedUs
    if (this.#settings !== undefined) this.#send({ type: 'configure', settings: this.#settings })
    for (const { cameraId, stream } of this.#watches.values()) {
      this.#send({ type: 'watch', cameraId, stream, isWanted: true })
    }
    for (const one of this.#heard.values()) this.#send({ type: 'watch-sound', ...one, isWanted: true })
    for (const listener of this.#connectedListeners) listener(hello)
    this.#firstConnection?.()
    this.#firstConnection = undefined
  }

  /** Gives events to the listeners one after the other; one that fails is not acknowledged, and comes again. */
  async #handleEvents(): Promise<void> {
    if (this.#isHandling) return
    this.#isHandling = true
    while (this.#events.length > 0 && !this.#isClosed) {
      const { eventNumber, event } = this.#events[0]!
      try {
        for (const listener of this.#eventListeners) await listener(event)
      } catch (error) {
        this.#options.logger.error({ err: error }, `take in ${event.type}`)
        await new Promise((resolve) => setTimeout(resolve, 1000))
        continue
      }
      this.#events.shift()
      this.#lastEventNumber = Math.max(this.#lastEventNumber, eventNumber)
      this.#send({ type: 'acknowledge', eventNumber })
    }
    this.#isHandling = false
  }

  configure(settings: RecorderSettings): void {
    this.#settings = settings
    if (this.#hello === undefined) return
    this.#send({ type: 'configure', settings })
    this.#ring()
  }

  removeFootage(cameraId: string): void {
    this.#send({ type: 'remove-footage', cameraId })
  }

  /** All segments that must stay for now, replacing what was said before. */
  setPins(pins: { spaceId: string; sequence: number }[]): void {
    this.#send({ type: 'pin', pins })
  }

  /**
   * Gives `reader` a stream's live samples, from its last keyframe on where it is the first to watch; a later one joins
   * and finds its own start. Returns what ends it.
   */
  watch(cameraId: string, stream: number, reader: LiveReader): () => void {
    const key = `${cameraId}/${stream}`
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      watch = { cameraId, stream, readers: new Set(), tracks: undefined }
      this.#watches.set(key, watch)
      this.#send({ type: 'watch', cameraId, stream, isWanted: true })
      this.#ring()
    }
    watch.readers.add(reader)
    if (watch.tracks !== undefined) reader.config(watch.tracks)
    return () => {
      const current = this.#watches.get(key)
      if (current === undefined || !current.readers.delete(reader) || current.readers.size > 0) return
      this.#watches.delete(key)
      for (const [number, watched] of this.#watchKeys) if (watched === key) this.#watchKeys.delete(number)
      this.#send({ type: 'watch', cameraId, stream, isWanted: false })
    }
  }

  wantSound(cameraId: string, stream: number, isWanted: boolean): void {
    const key = `${cameraId}/${stream}`
    if (isWanted) this.#heard.set(key, { cameraId, stream })
    else this.#heard.delete(key)
    this.#send({ type: 'watch-sound', cameraId, stream, isWanted })
  }

  /** The newest keyframe of a stream; undefined where there is none within 3 s. */
  keyframe(cameraId: string, stream: number): Promise<Keyframe | undefined> {
    if (this.#hello === undefined) return Promise.resolve(undefined)
    const requestId = ++this.#requestId
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answerKeyframe(requestId, undefined), keyframePatienceMs)
      this.#keyframes.set(requestId, (found) => {
        clearTimeout(timer)
        resolve(found)
      })
      this.#send({ type: 'get-keyframe', requestId, cameraId, stream })
      this.#ring()
    })
  }

  #answerKeyframe(requestId: number, found: Keyframe | undefined): void {
    const resolve = this.#keyframes.get(requestId)
    this.#keyframes.delete(requestId)
    resolve?.(found)
  }

  /** Leaves the recorder running. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#pinging)
    this.#socket?.destroy()
  }

  /** Ends the recorder too: every segment is closed first. */
  async shutdownRecorder(): Promise<void> {
    this.#isClosed = true
    const socket = this.#socket
    if (socket === undefined) return
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.#send({ type: 'shutdown' })
    this.#ring()
    await Promise.race([ended, new Promise<void>((resolve) => setTimeout(resolve, 5000))])
    socket.destroy()
  }
}
