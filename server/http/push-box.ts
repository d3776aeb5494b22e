// The push where no WebSocket passes: a box a page, which long polls empty.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Actor } from './guard.ts'
import type { PushHub, PushLink } from './push-socket.ts'

/** A poll is answered after so long though there is nothing: well before a proxy gives up on it. In milliseconds. */
const holdMs = 25_000
/** What comes together is answered together. */
const gatherMs = 60
/** A box that nobody has asked about for so long is let go. */
const forgottenMs = 60_000
/** Pages of one session that may listen so at once; the one longest silent goes. */
const maxBoxes = 16

/** A poll's answer, its messages as JSON already. */
export interface BoxContents {
  box: string
  last: number
  messages: string[]
}

/** All boxes. Each is of the session that asked first, and is emptied by that session alone. */
export class PushBoxes {
  readonly #hub: PushHub
  readonly #boxes = new Map<string, PushBox>()

  constructor(hub: PushHub) {
    this.#hub = hub
  }

  get count(): number {
    return this.#boxes.size
  }

  /**
   * Waits for messages past `after` in a box of the actor's. A box that is not there any more is answered by a new one,
   * with what a new connection is told. `signal` ends the wait where the page has gone.
   */
  async collect(actor: Actor, id: string | undefined, after: number, signal: AbortSignal): Promise<BoxContents> {
    const known = id === undefined ? undefined : this.#boxes.get(id)
    const isKnown = known?.actor.sessionId === actor.sessionId
    const box = isKnown ? known : this.#make(actor)
    if (isKnown) box.forget(after)
    await box.wait(signal)
    return box.contents
  }

  /** Gives what waits, the news of the end too, and lets go of a session's boxes. */
  endSession(sessionId: string): void {
    this.#end((actor) => actor.sessionId === sessionId)
  }

  /** The same for addresses that `isOpenTo` does not have any more. */
  endRefused(isOpenTo: (address: string) => boolean): void {
    this.#end((actor) => !isOpenTo(actor.address))
  }

  close(): void {
    this.#end(() => true)
  }

  #end(isIt: (actor: Actor) => boolean): void {
    for (const box of [...this.#boxes.values()]) if (isIt(box.actor)) box.terminate()
  }

  #make(actor: Actor): PushBox {
    const own = [...this.#boxes.values()].filter((box) => box.actor.sessionId === actor.sessionId)
    if (own.length >= maxBoxes) own.sort((a, b) => a.askedMs - b.askedMs)[0]!.terminate()
    const box = new PushBox(actor)
    this.#boxes.set(box.id, box)
    box.on('close', () => this.#boxes.delete(box.id))
    this.#hub.accept(box, actor)
    return box
  }
}

class PushBox extends EventEmitter implements PushLink {
  readonly id = randomUUID()
  readonly actor: Actor
  bufferedAmount = 0
  /** When it was last asked about, on the process's own clock. */
  askedMs = performance.now()
  #texts: string[] = []
  #last = 0
  #isEnded = false
  #release: (() => void) | undefined
  #gathering: NodeJS.Timeout | undefined
  #forgotten: NodeJS.Timeout | undefined

  constructor(actor: Actor) {
    super()
    this.actor = actor
  }

  get contents(): BoxContents {
    return { box: this.id, last: this.#last, messages: this.#texts }
  }

  send(text: string): void {
    if (this.#isEnded) return
    this.#last += 1
    this.#texts.push(text)
    this.bufferedAmount += text.length
    this.#gathering ??= setTimeout(() => this.#answer(), gatherMs)
  }

  terminate(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#forgotten)
    this.#answer()
    this.emit('close')
  }

  /** Lets go of the messages up to `after`, which have arrived. */
  forget(after: number): void {
    const kept = Math.max(0, this.#last - after)
    if (kept >= this.#texts.length) return
    this.#texts = this.#texts.slice(this.#texts.length - kept)
    this.bufferedAmount = this.#texts.reduce((sum, text) => sum + text.length, 0)
  }

  /** Until there is something to give, or it has been long enough. A newer poll takes the place of an older one. */
  async wait(signal: AbortSignal): Promise<void> {
    this.#answer()
    clearTimeout(this.#forgotten)
    this.askedMs = performance.now()
    if (this.#texts.length > 0 || this.#isEnded || signal.aborted) return this.#rest()
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, holdMs)
      this.#release = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', this.#release, { once: true })
    })
    this.#rest()
  }

  #answer(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#release?.()
    this.#release = undefined
  }

  #rest(): void {
    if (this.#isEnded) return
    clearTimeout(this.#forgotten)
    this.#forgotten = setTimeout(() => this.terminate(), forgottenMs)
    this.#forgotten.unref()
  }
}
