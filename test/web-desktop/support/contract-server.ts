// A server that speaks the contract of shared/ over real HTTP and WebSockets, with footage from the test clip: what the
// desktop is tested against, and may be tried by hand with.

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'
import type { z } from 'zod'
import { PtzHead } from '../../../scripts/cameras/ptz-head.ts'
import { defaultAccountPolicy } from '../../../server/account/account-policy.ts'
import { cameraChange, cameraDraft, connectionTestRequest, onvifProbeRequest } from '../../../shared/camera.ts'
import { Failure, statusOfFailure } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { privileges } from '../../../shared/privilege.ts'
import type { Alarm, PushMessage } from '../../../shared/push.ts'
import { healthOfAll, hourMs, minuteMs, type TestCamera, testCameras } from './contract-data.ts'
import { frameAt, msOfFrame, pieceOf, toneWav } from './contract-footage.ts'
import { serveLive } from './contract-live.ts'
import { answerPtz } from './contract-ptz.ts'
import { clipMs, type TestClip, testClip } from './test-clip.ts'

const basePath = '/qvrpro/'
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** Stricter than the server's own: no style attribute either. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
  "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'"

export interface ContractOptions {
  /** The built desktop. */
  webFolder: string
  mustChangePassword?: boolean
  isPasswordExpired?: boolean
  /** Of the second step; without one there is none. */
  code?: string
  isEmpty?: boolean
}

export class ContractServer {
  readonly startMs = Date.now()
  cameras: TestCamera[]
  /** What the first camera is turned by; no other can be. */
  readonly head = new PtzHead()
  alarms: Alarm[] = []
  password = 'correct horse'
  mustChangePassword: boolean
  isPasswordExpired: boolean
  readonly code: string | undefined
  /** Everything asked for: `GET api/cameras`, and what the live sockets were sent. */
  readonly requests: string[] = []
  readonly liveRequests: { type: string; [key: string]: unknown }[] = []
  url = ''
  readonly #webFolder: string
  readonly #http: Server
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #pushes = new Set<WebSocket>()
  readonly #lives = new Set<WebSocket>()
  readonly #timer: ReturnType<typeof setInterval>
  #clip!: TestClip
  #sessions = new Set<string>()
  #nextSession = 1
  /** While true, nothing is answered and no socket opens: the server is away. */
  isAway = false

  constructor(options: ContractOptions) {
    this.#webFolder = options.webFolder
    this.mustChangePassword = options.mustChangePassword ?? false
    this.isPasswordExpired = options.isPasswordExpired ?? false
    this.code = options.code
    this.cameras = options.isEmpty ? [] : testCameras(this.startMs)
    this.#http = createServer((request, response) => void this.#serve(request, response))
    this.#http.on('upgrade', (request, socket, head) => {
      if (this.isAway || !this.#hasSession(request)) return socket.destroy()
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#onSocket(request, ws))
    })
    this.#timer = setInterval(() => {
      if (this.#pushes.size > 0) this.push({ type: 'health', streams: healthOfAll(this.cameras, Date.now()) })
    }, 1000)
  }

  async start(port = 0): Promise<this> {
    this.#clip = await testClip()
    await new Promise<void>((resolve) => this.#http.listen(port, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}${basePath}`
    return this
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.cutSockets()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  /** Pages that are listening. */
  get pushCount(): number {
    return this.#pushes.size
  }

  push(message: PushMessage): void {
    for (const socket of this.#pushes) socket.send(JSON.stringify(message))
  }

  setAlarms(alarms: Alarm[]): void {
    this.alarms = alarms
    this.push({ type: 'alarms', alarms })
  }

  cutSockets(): void {
    for (const socket of [...this.#pushes, ...this.#lives]) socket.terminate()
  }

  endSessions(): void {
    this.#sessions.clear()
    this.push({ type: 'session-ended' })
    this.cutSockets()
  }

  #hasSession(request: IncomingMessage): boolean {
    const sid = /nj=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
    return sid !== undefined && this.#sessions.has(sid)
  }

  #onSocket(request: IncomingMessage, socket: WebSocket): unknown {
    if (request.url?.endsWith('api/live')) {
      this.#lives.add(socket)
      socket.on('close', () => this.#lives.delete(socket))
      const find = (id: string) => this.cameras.find((one) => one.camera.id === id)
      return serveLive(socket, this.#clip, find, (one) => this.liveRequests.push(one as { type: string }))
    }
    this.#pushes.add(socket)
    socket.on('close', () => this.#pushes.delete(socket))
    const first: PushMessage[] = [
      { type: 'hello', nowMs: Date.now(), version: '0.1.0' },
      { type: 'alarms', alarms: this.alarms },
    ]
    for (const message of first) socket.send(JSON.stringify(message))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isAway) return void request.socket.destroy()
    const url = new URL(request.url ?? '/', 'http://x')
    response.setHeader('content-security-policy', policy)
    try {
      if (!url.pathname.startsWith(basePath)) throw new Failure('not-found', 'outside the base path')
      const path = url.pathname.slice(basePath.length)
      if (!path.startsWith('api/')) return await this.#serveFile(path === '' ? 'index.html' : path, response)
      this.requests.push(`${request.method} ${path}${url.search}`)
      const body = request.method === 'GET' ? undefined : await bodyOf(request)
      await this.#serveApi(request, response, path, url.searchParams, body)
    } catch (caught) {
      const failure = caught instanceof Failure ? caught : new Failure('internal', String(caught))
      send(response, statusOfFailure[failure.kind], failure.toBody())
    }
  }

  async #serveFile(path: string, response: ServerResponse): Promise<void> {
    const file = join(this.#webFolder, normalize(path))
    const bytes = await readFile(file).catch(() => {
      throw new Failure('not-found', `no file ${path}`)
    })
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
    response.end(bytes)
  }

  async #serveApi(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
    body: unknown,
  ): Promise<unknown> {
    const route = `${request.method} ${path}`
    if (route === 'POST api/login')
      return this.#logIn(response, body as { username: string; password: string; code?: string })
    if (!this.#hasSession(request)) throw new Failure('unauthenticated', 'log in first')
    if (request.method !== 'GET' && request.headers['x-csrf-token'] !== 'token-1') {
      throw new Failure('forbidden', 'the CSRF token is missing')
    }
    if (this.isPasswordExpired && !/^api\/(session|logout|account(-policy)?(\/.*)?)$/.test(path)) {
      throw new Failure('forbidden', 'change your password first', { field: 'password' })
    }
    const now = Date.now()
    switch (route) {
      case 'GET api/session':
        return send(response, 200, this.#session())
      case 'GET api/setup':
        return send(response, 200, { isFinished: true, isChecklistShown: false })
      case 'POST api/logout':
        this.#sessions.clear()
        return send(response, 204)
      case 'POST api/account/password': {
        const { current, next } = body as { current: string; next: string }
        if (current !== this.password) throw new Failure('invalid', 'is not the password now', { field: 'current' })
        this.password = next
        this.mustChangePassword = false
        this.isPasswordExpired = false
        return send(response, 204)
      }
      case 'GET api/account-policy':
        return send(response, 200, defaultAccountPolicy)
      case 'GET api/cameras':
        return send(
          response,
          200,
          this.cameras.map((one) => one.camera),
        )
      case 'POST api/cameras':
        return send(response, 201, this.#create(parse(cameraDraft, body)))
      case 'POST api/cameras/test':
        return send(response, 200, this.#test(parse(connectionTestRequest, body).url))
      case 'POST api/cameras/probe-onvif':
        return send(response, 200, probe(parse(onvifProbeRequest, body).host))
      case 'GET api/health':
        return send(response, 200, healthOfAll(this.cameras, now))
      case 'GET api/spaces':
        return send(response, 200, [])
      case 'GET api/logs':
        return send(response, 200, logEntries(now))
      case 'GET api/timeline':
        return send(response, 200, this.#timeline(query, now))
      case 'GET api/gaps': {
        const one = this.cameras.find(({ camera }) => camera.id === query.get('cameraId'))
        return send(response, 200, one?.gaps ?? [])
      }
    }
    return this.#serveCamera(route, response, query, body)
  }

  #serveCamera(route: string, response: ServerResponse, query: URLSearchParams, body: unknown): unknown {
    const [, method, id, rest] = /^(\w+) api\/cameras\/([^/]+)\/?(.*)$/.exec(route) ?? []
    const one = this.cameras.find(({ camera }) => camera.id === id)
    if (one === undefined) throw new Failure('not-found', `no camera ${id}`)
    if (rest?.startsWith('ptz')) {
      const { status, answer } = answerPtz(one === this.cameras[0] ? this.head : undefined, `${method} ${rest}`, body)
      return send(response, status, answer)
    }
    const atMs = Number(query.get('atMs') ?? Date.now())
    const fromMs = Number(query.get('fromMs'))
    const toMs = Number(query.get('toMs'))
    const jpeg = () => this.#clip.jpegs[Math.floor((atMs % clipMs) / 1000)]!
    const name = rest?.replace(/^streams\/\d\//, '')
    if (method === 'PATCH') {
      const { password: _password, ...change } = parse(cameraChange, body)
      Object.assign(one.camera, change)
      this.push({ type: 'camera-changed', camera: one.camera })
      return send(response, 200, one.camera)
    }
    if (method === 'DELETE') {
      this.cameras = this.cameras.filter((other) => other !== one)
      this.push({ type: 'camera-removed', cameraId: one.camera.id })
      return send(response, 204)
    }
    switch (name) {
      case 'health':
        return send(response, 200, { history: one.camera.streams.map(({ stream }) => history(stream, one)) })
      case 'test':
        return send(response, 200, this.#test(one.sort === 'lost' ? 'rtsp://wrong' : one.camera.streams[0]!.url))
      case 'live.jpg':
        return sendBytes(response, 'image/jpeg', jpeg())
      case 'frame.jpg':
        if (!one.spans.some(({ startMs, endMs }) => startMs <= atMs && atMs < endMs)) {
          throw new Failure('not-found', 'there is no picture at or before that instant')
        }
        response.setHeader('x-frame-us', String(Math.round(msOfFrame(frameAt(atMs)) * 1000)))
        return sendBytes(response, 'image/jpeg', jpeg())
      case 'fragments': {
        const piece = pieceOf(
          this.#clip,
          one,
          {
            fromMs,
            toMs,
            epochMs: Number(query.get('epochMs')),
            keys: query.get('keys') === '1',
            sound: query.get('sound') === '1',
            form: query.get('form') ?? '',
          },
          Date.now(),
        )
        response.setHeader('x-next-ms', String(piece.nextMs))
        if (piece.status === 204) return send(response, 204)
        response.setHeader('x-mime-type', piece.mimeType)
        response.setHeader('x-form', query.get('form') === 'h264' && one.sort === 'h265' ? 'h264' : 'as-recorded')
        return sendBytes(response, 'video/mp4', piece.body)
      }
      case 'sound':
        if (one.sort !== 'g711') return send(response, 204)
        response.setHeader('x-start-us', String(fromMs * 1000))
        return sendBytes(response, 'audio/wav', toneWav(fromMs, toMs))
      case 'clip.mp4': {
        const wish = { fromMs, toMs, epochMs: fromMs, keys: false, sound: false, form: 'as-recorded' }
        response.setHeader('content-disposition', 'attachment; filename="clip.mp4"')
        return sendBytes(response, 'video/mp4', pieceOf(this.#clip, one, wish, Date.now()).body)
      }
    }
    throw new Failure('not-found', `no route ${route}`)
  }

  #logIn(response: ServerResponse, login: { username: string; password: string; code?: string }): void {
    if (login.username !== 'admin' || login.password !== this.password) {
      throw new Failure('unauthenticated', 'the user name or the password is wrong')
    }
    if (this.code !== undefined && login.code !== this.code) {
      const words = login.code === undefined ? 'enter the code that your authenticator app shows' : 'the code is wrong'
      throw new Failure('unauthenticated', words, { field: 'code' })
    }
    const sid = `s${this.#nextSession++}`
    this.#sessions.add(sid)
    response.setHeader('set-cookie', `nj=${sid}; Path=${basePath}; HttpOnly; SameSite=Lax`)
    send(response, 200, this.#session())
  }

  #session() {
    return {
      username: 'admin',
      csrfToken: 'token-1',
      mustChangePassword: this.mustChangePassword || this.isPasswordExpired,
      isPasswordExpired: this.isPasswordExpired,
      isAdministrator: true,
      privileges,
      lastLoginMs: this.startMs - hourMs,
    }
  }

  #create(draft: z.output<typeof cameraDraft>) {
    if (this.cameras.some(({ camera }) => camera.name === draft.name)) {
      throw new Failure('conflict', 'another camera has this name', { field: 'name' })
    }
    const { password, ...rest } = draft
    const n = Math.max(0, ...this.cameras.map(({ camera }) => camera.channel)) + 1
    const camera = {
      ...rest,
      id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      channel: n,
      hasPassword: password !== '',
      spaceId: rest.spaceId ?? 'space-1',
      isRecovered: false,
      createdMs: Date.now(),
    }
    this.cameras = [...this.cameras, { camera, sort: 'plain', gaps: [], spans: [] }]
    this.push({ type: 'camera-changed', camera })
    return camera
  }

  #test(url: string) {
    if (url.includes('wrong')) {
      return { isReachable: false, fault: 'login', detail: `${url}: 401 Unauthorized (Digest)` }
    }
    return {
      isReachable: true,
      videoCodec: 'h264',
      audioCodec: 'aac',
      widthPx: 1920,
      heightPx: 1080,
      fps: 25,
      firstKeyframeMs: 412,
      warnings: ['a second sound track was left out'],
      picture: `data:image/jpeg;base64,${this.#clip.jpegs[0]!.toString('base64')}`,
    }
  }

  #timeline(query: URLSearchParams, nowMs: number) {
    const fromMs = Number(query.get('fromMs'))
    const toMs = Number(query.get('toMs'))
    const ids = (query.get('cameras') ?? '').split(',')
    const tracks = this.cameras
      .filter(({ camera }) => ids.includes(camera.id))
      .map(({ camera, spans }) => ({
        cameraId: camera.id,
        stream: 1,
        kind: 'normal',
        spans: spans.flatMap(({ startMs, endMs }) => {
          const start = Math.max(startMs, fromMs)
          const end = Math.min(endMs, toMs, nowMs)
          return start < end ? [start - fromMs, end - fromMs] : []
        }),
      }))
    return { fromMs, toMs, nowMs, tracks }
  }
}

function history(stream: number, one: TestCamera) {
  const end = Math.floor(Date.now() / minuteMs) * minuteMs
  const points = Array.from({ length: 24 * 60 }, (_, i) => {
    const atMs = end - (24 * 60 - i) * minuteMs
    const isOut = one.sort === 'lost' ? i > 1380 : i > 700 && i < 720
    return {
      atMs,
      fps: isOut ? 0 : 25,
      bitrateKbps: isOut ? 0 : 4000 + Math.round(600 * Math.sin(i / 60)),
      lostPackets: i % 97 === 0 ? 4 : 0,
      droppedFrames: 0,
      liveSec: isOut ? 0 : 60,
    }
  })
  return { stream, points }
}

function probe(host: string) {
  if (host.includes('wrong')) return { isReachable: false, fault: 'connection', detail: `connect ${host}:80: refused` }
  const profile = (token: string, name: string, widthPx: number, heightPx: number, fps: number) => ({
    token,
    name,
    videoCodec: 'h264',
    widthPx,
    heightPx,
    fps,
    streamUrl: `rtsp://${host}/${token}`,
  })
  return {
    isReachable: true,
    brand: 'Acme',
    model: 'Dome 4',
    firmware: '1.2.3',
    serial: 'A-0042',
    profiles: [
      profile('main', 'Main', 1920, 1080, 25),
      profile('sub', 'Sub', 640, 360, 15),
      profile('tiny', 'Third', 320, 180, 5),
    ],
  }
}

function logEntries(nowMs: number): LogEntry[] {
  return [
    {
      id: 3,
      atMs: nowMs - 61 * minuteMs,
      kind: 'surveillance',
      level: 'error',
      name: 'camera-lost',
      message: 'Shed, stream 1: the camera refused the login',
    },
    {
      id: 2,
      atMs: nowMs - 2 * hourMs,
      kind: 'connection',
      level: 'info',
      name: 'logged-in',
      message: 'admin logged in',
    },
    {
      id: 1,
      atMs: nowMs - 3 * hourMs,
      kind: 'connection',
      level: 'warning',
      name: 'login-failed',
      message: 'failed to log in as admin',
    },
  ]
}

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new Failure('invalid', issue.message, { field: issue.path.join('.') })
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  return text === '' ? undefined : JSON.parse(text)
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.statusCode = status
  if (body === undefined) {
    response.end()
    return
  }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}

function sendBytes(response: ServerResponse, type: string, bytes: Uint8Array): void {
  response.setHeader('content-type', type)
  response.end(bytes)
}
