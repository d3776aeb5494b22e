// A browser's worth of HTTP: keeps the cookie, sends the token, reads JSON.
import WebSocket from 'ws'
import type { FailureBody } from '../../shared/failure.ts'

export interface Answer<T = unknown> {
  status: number
  headers: Headers
  /** Parsed JSON; undefined where the answer has no body. */
  body: T
}

export class TestClient {
  /** Base path and all, with a `/` at the end. */
  readonly url: string
  cookie = ''
  token = ''
  /** Sent with every request. */
  headers: Record<string, string> = {}

  constructor(url: string) {
    this.url = url
  }

  /** A request; `body` is sent as JSON, a string as it is. */
  async request<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(new URL(path, this.url), {
      method,
      redirect: 'manual',
      headers: {
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(this.token === '' || method === 'GET' ? {} : { 'x-csrf-token': this.token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...this.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) this.cookie = set.split(';')[0]!
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text || undefined) as T,
    }
  }

  get<T = unknown>(path: string): Promise<Answer<T>> {
    return this.request<T>('GET', path)
  }

  post<T = unknown>(path: string, body?: unknown): Promise<Answer<T>> {
    return this.request<T>('POST', path, body)
  }

  /** Fails where the answer is no success. */
  async must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request<T>(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async logIn(username: string, password: string): Promise<Answer<{ csrfToken: string } & FailureBody>> {
    const answer = await this.post<{ csrfToken: string } & FailureBody>('api/login', { username, password })
    if (answer.status === 200) this.token = answer.body.csrfToken
    return answer
  }

  /** Opens a WebSocket with this client's cookie. */
  socket(path: string, headers: Record<string, string> = {}): TestSocket {
    const url = new URL(path, this.url)
    url.protocol = 'ws:'
    return new TestSocket(
      new WebSocket(url, { headers: { ...(this.cookie === '' ? {} : { cookie: this.cookie }), ...headers } }),
    )
  }
}

/** A WebSocket whose JSON messages can be waited for, each once and in order. */
export class TestSocket {
  readonly #socket: WebSocket
  readonly #messages: { type: string }[] = []
  readonly #waiting: (() => void)[] = []
  /** Resolves when it is open; fails with the status of a refusal. */
  readonly opened: Promise<void>
  /** Resolves with the code it was closed with. */
  readonly closed: Promise<number>

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('unexpected-response', (_request, response) => {
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }))
        socket.terminate()
      })
      socket.on('error', reject)
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)))
    socket.on('message', (data) => {
      this.#messages.push(JSON.parse(data.toString()))
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /** The next message of a type; what came before it is dropped. Fails where the socket closes first. */
  async next<T>(type: string, isIt: (message: T) => boolean = () => true): Promise<T> {
    for (;;) {
      while (this.#messages.length > 0) {
        const message = this.#messages.shift()!
        if (message.type === type && isIt(message as T)) return message as T
      }
      const isClosed = await Promise.race([
        new Promise<false>((resolve) => this.#waiting.push(() => resolve(false))),
        this.closed.then(() => this.#messages.length === 0),
      ])
      if (isClosed) throw new Error(`the socket was closed before a message ${type}`)
    }
  }

  close(): void {
    this.#socket.terminate()
  }
}
