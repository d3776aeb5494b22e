// A recorder that does what a test says: the real protocol over the real Unix socket, and no camera.
import { mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { FrameReader, jsonFrame, parseJsonPayload } from '../../server/recording/message-frame.ts'
import {
  type FromRecorder,
  type RecorderEvent,
  recorderProtocolVersion,
  type ToRecorder,
} from '../../server/recording/recorder-protocol.ts'

type Status = Omit<Extract<FromRecorder, { type: 'status' }>, 'type'>

export class ScriptedRecorder {
  readonly #dataDir: string
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #waiting: (() => void)[] = []
  /** Everything the server said, oldest first. */
  readonly heard: ToRecorder[] = []
  #socket: Socket | undefined
  #lastEvent = 0
  #acknowledged = 0
  /** Grows when it is begun anew: another process, as the server sees it. */
  startedUs = 1_000_000

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /** Listens where the server looks for it. */
  async start(): Promise<void> {
    mkdirSync(this.#dataDir, { recursive: true })
    await this.#listen('recorder.sock', (socket) => this.#converse(socket))
    await this.#listen('recorder.bell', () => {})
  }

  /** Ends the connection and listens no more, as a recorder that was killed. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#socket = undefined
    await Promise.all(this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  }

  /** Tells an event and waits until the server has it safe. */
  async tell(event: RecorderEvent): Promise<void> {
    const eventNumber = this.send(event)
    await this.until(() => this.#acknowledged >= eventNumber)
  }

  /** Tells an event. Gives its number. */
  send(event: RecorderEvent): number {
    const eventNumber = ++this.#lastEvent
    this.say({ type: 'event', eventNumber, event })
    return eventNumber
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  status(status: Partial<Status>): void {
    this.say({ type: 'status', streams: [], spaces: [], open: [], cpuMsPerSec: 12, rssMb: 80, ...status })
  }

  say(message: FromRecorder): void {
    this.#socket?.write(jsonFrame(message))
  }

  /** The newest settings the server sent; waits for those that `isIt` is true of. */
  async settings(
    isIt: (settings: Extract<ToRecorder, { type: 'configure' }>['settings']) => boolean = () => true,
  ): Promise<Extract<ToRecorder, { type: 'configure' }>['settings']> {
    const last = () => this.heard.findLast((message) => message.type === 'configure')?.settings
    await this.until(() => {
      const settings = last()
      return settings !== undefined && isIt(settings)
    })
    return last()!
  }

  /** Waits until a condition holds, looking at every message that comes. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #converse(socket: Socket): void {
    this.#socket = socket
    const reader = new FrameReader()
    socket.on('data', (chunk: Buffer) =>
      reader.push(chunk, (_type, payload) => this.#take(parseJsonPayload(payload) as ToRecorder)),
    )
  }

  #take(message: ToRecorder): void {
    this.heard.push(message)
    if (message.type === 'hello') {
      this.say({
        type: 'hello',
        protocol: recorderProtocolVersion,
        version: '0.0.0',
        pid: 4242,
        startedUs: this.startedUs,
        settingsRevision: 0,
        bootId: 'boot',
        isFirstEventKnown: true,
      })
    }
    if (message.type === 'ping') this.say({ type: 'pong', id: message.id })
    if (message.type === 'acknowledge') this.#acknowledged = Math.max(this.#acknowledged, message.eventNumber)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #listen(name: string, onSocket: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      onSocket(socket)
    })
    this.#servers.push(server)
    return new Promise((resolve) => server.listen(join(this.#dataDir, name), resolve))
  }
}
