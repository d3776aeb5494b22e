// The push: one WebSocket for everything the server tells by itself, or long polls where none passes. Lost, it comes back;
// meanwhile the desktop says so.
import type { PushMessage } from '../../shared/push.ts'
import { socketAddressOf } from '../base/address.ts'
import { beginMs, probeDelayMs, way } from '../base/passage.ts'
import { Store } from '../base/store.ts'
import { readSession } from './account.ts'
import { PushPoll } from './push-poll.ts'
import { session } from './session.ts'

export interface PushState {
  isConnected: boolean
  /** Since when it is so. */
  sinceMs: number
}

type OfType<T extends PushMessage['type']> = Extract<PushMessage, { type: T }>

const shortestRetryMs = 500
const longestRetryMs = 8000
/** So many sockets in a row that never opened, while the server answers: none passes. */
const blockedAfter = 2

/** Milliseconds before try number `attempt` (from 0): doubled each time up to 8 s, give or take a fifth. */
export function retryDelayMs(attempt: number, random = Math.random()): number {
  const base = Math.min(longestRetryMs, shortestRetryMs * 2 ** attempt)
  return Math.round(base * (0.8 + 0.4 * random))
}

class Push {
  readonly state = new Store<PushState>({ isConnected: false, sinceMs: Date.now() })
  /** The server's clock less the browser's, in milliseconds. */
  skewMs = 0
  /** The server's version, once it said hello. */
  readonly version = new Store('')
  #socket: WebSocket | undefined
  #poll: PushPoll | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #probeTimer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #probes = 0
  /** Sockets in a row that never opened. */
  #unopened = 0
  #isStarted = false
  readonly #listeners = new Map<string, Set<(message: PushMessage) => void>>()

  /** Calls `listener` for each message of `type`. Returns its undoing. */
  on<T extends PushMessage['type']>(type: T, listener: (message: OfType<T>) => void): () => void {
    const set = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, set)
    set.add(listener as (message: PushMessage) => void)
    return () => set.delete(listener as (message: PushMessage) => void)
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    addEventListener('online', this.#onOnline)
    this.#connect()
  }

  stop(): void {
    this.#isStarted = false
    removeEventListener('online', this.#onOnline)
    clearTimeout(this.#probeTimer)
    this.#letGo()
  }

  /** Tries at once, not when the next try would be due. */
  retryNow(): void {
    if (!this.#isStarted || this.state.value.isConnected) return
    this.#attempt = 0
    this.#connect()
  }

  /** The server's clock, as far as this page knows it. */
  nowMs(): number {
    return Date.now() + this.skewMs
  }

  readonly #onOnline = (): void => this.retryNow()

  #letGo(): void {
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#socket = undefined
    this.#poll?.stop()
    this.#poll = undefined
  }

  #connect(): void {
    this.#letGo()
    if (way.value === 'socket') this.#openSocket()
    else this.#startPoll()
  }

  #openSocket(): void {
    let isOpened = false
    const socket = new WebSocket(socketAddressOf('api/push'))
    this.#socket = socket
    // Some proxies neither take nor refuse it.
    const patience = setTimeout(() => socket.close(), beginMs)
    socket.onopen = () => {
      isOpened = true
      this.#unopened = 0
      clearTimeout(patience)
    }
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#onMessage(JSON.parse(String(event.data)) as PushMessage)
    }
    socket.onclose = () => {
      clearTimeout(patience)
      if (this.#socket === socket) this.#onLost(isOpened)
    }
  }

  #startPoll(): void {
    const poll = new PushPoll(
      (message) => {
        if (this.#poll === poll) this.#onMessage(message)
      },
      () => {
        if (this.#poll === poll) this.#onLost(true)
      },
    )
    this.#poll = poll
    this.#probeSoon()
  }

  /** Now and then: the proxy may have been told to let WebSockets through, or this page's computer have moved. */
  #probeSoon(): void {
    clearTimeout(this.#probeTimer)
    this.#probeTimer = setTimeout(() => this.#probe(), probeDelayMs(this.#probes++))
  }

  #probe(): void {
    const socket = new WebSocket(socketAddressOf('api/push'))
    const patience = setTimeout(() => socket.close(), beginMs)
    socket.onopen = () => {
      socket.onclose = null
      clearTimeout(patience)
      socket.close()
      this.#probes = 0
      this.#unopened = 0
      way.set('socket')
      this.#connect()
    }
    socket.onclose = () => {
      clearTimeout(patience)
      if (this.#isStarted && way.value !== 'socket') this.#probeSoon()
    }
  }

  #onMessage(message: PushMessage): void {
    if (message.type === 'hello') {
      this.skewMs = message.nowMs - Date.now()
      this.version.set(message.version)
      this.#attempt = 0
      this.state.set({ isConnected: true, sinceMs: Date.now() })
    }
    if (message.type === 'session-ended') session.end()
    for (const listener of [...(this.#listeners.get(message.type) ?? [])]) listener(message)
  }

  #onLost(wasOpened: boolean): void {
    this.#socket = undefined
    this.#poll = undefined
    if (this.state.value.isConnected) this.state.set({ isConnected: false, sinceMs: Date.now() })
    if (!this.#isStarted) return
    // A refused handshake tells a page nothing. Whether the session ended or the server is away, a request can tell.
    void readSession()
      .then((found) => {
        if (found === undefined) session.end()
        else if (!wasOpened) this.#onUnopened()
      })
      .catch(() => undefined)
    this.#timer = setTimeout(() => this.#connect(), retryDelayMs(this.#attempt))
    this.#attempt += 1
  }

  /** The server is there and the session is good, and yet no socket came about. */
  #onUnopened(): void {
    this.#unopened += 1
    if (this.#unopened < blockedAfter || way.value !== 'socket' || !this.#isStarted) return
    way.set('stream')
    this.#attempt = 0
    this.#connect()
  }
}

export const push = new Push()
