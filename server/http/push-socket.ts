// What the server tells every desktop that is logged in: one WebSocket, one typed message union.
import type { PushMessage } from '../../shared/push.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Actor } from './guard.ts'

/** A socket that has so much unsent is not listening; it is dropped, and asks anew when it is back. In bytes. */
const maxUnsentBytes = 4 * 1024 * 1024

export interface PushOptions {
  version: string
  clock: Clock
  bus: Bus
}

/** One page that listens: a WebSocket, or the box its long polls empty. */
export interface PushLink {
  /** What it was given and has not taken yet. */
  readonly bufferedAmount: number
  send(text: string): void
  terminate(): void
  on(event: 'close', listener: () => void): unknown
}

/** All push connections. Messages reach each in the order they were sent; none is kept for who is not there. */
export class PushHub {
  readonly #options: PushOptions
  readonly #sockets = new Map<PushLink, Actor>()
  readonly #greetings: (() => PushMessage[])[] = []
  readonly #undoings: (() => void)[]

  constructor(options: PushOptions) {
    this.#options = options
    const { bus } = options
    this.#undoings = [
      bus.on('camera-changed', ({ camera }) => this.broadcast({ type: 'camera-changed', camera })),
      bus.on('camera-removed', ({ cameraId }) => this.broadcast({ type: 'camera-removed', cameraId })),
      bus.on('space-changed', ({ space }) => this.broadcast({ type: 'space-changed', space })),
      bus.on('space-removed', ({ spaceId }) => this.broadcast({ type: 'space-removed', spaceId })),
      bus.on('logged', ({ entry }) => this.broadcast({ type: 'logged', entry })),
      bus.on('session-ended', ({ sessionId }) => this.#endSession(sessionId)),
    ]
  }

  /** Adds messages that each connection is sent right after `hello`: what is so now. */
  greet(greeting: () => PushMessage[]): void {
    this.#greetings.push(greeting)
  }

  get hasListeners(): boolean {
    return this.#sockets.size > 0
  }

  /** Takes a guarded connection. What it sends is not read. */
  accept(socket: PushLink, actor: Actor): void {
    this.#sockets.set(socket, actor)
    socket.on('close', () => this.#sockets.delete(socket))
    const { clock, version } = this.#options
    const hello: PushMessage = { type: 'hello', nowMs: Math.floor(clock.utcUs() / 1000), version }
    for (const message of [hello, ...this.#greetings.flatMap((greeting) => greeting())]) {
      socket.send(JSON.stringify(message))
    }
  }

  broadcast(message: PushMessage): void {
    if (this.#sockets.size === 0) return
    const text = JSON.stringify(message)
    for (const socket of this.#sockets.keys()) {
      if (socket.bufferedAmount > maxUnsentBytes) socket.terminate()
      else socket.send(text)
    }
  }

  close(): void {
    for (const undo of this.#undoings) undo()
  }

  #endSession(sessionId: string): void {
    for (const [socket, actor] of this.#sockets) {
      if (actor.sessionId === sessionId) socket.send(JSON.stringify({ type: 'session-ended' } satisfies PushMessage))
    }
  }
}
