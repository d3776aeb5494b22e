// The push by long poll: each request is answered when there is news, or after 25 s without.
import type { PushMail, PushMessage } from '../../shared/push.ts'
import { withQuery } from '../base/address.ts'
import { getJson } from './client.ts'

/** A proxy that holds requests back must not make a page ask without end. */
const leastMs = 200

/** Polls until it is stopped or an answer fails. */
export class PushPoll {
  readonly #onMessage: (message: PushMessage) => void
  readonly #onLost: () => void
  readonly #stopped = new AbortController()

  constructor(onMessage: (message: PushMessage) => void, onLost: () => void) {
    this.#onMessage = onMessage
    this.#onLost = onLost
    void this.#run()
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    let box: string | undefined
    let after: number | undefined
    try {
      while (!signal.aborted) {
        const askedMs = performance.now()
        const mail = await getJson<PushMail>(withQuery('api/push/poll', { box, after }), signal)
        box = mail.box
        after = mail.last
        for (const message of mail.messages) if (!signal.aborted) this.#onMessage(message)
        const restMs = leastMs - (performance.now() - askedMs)
        if (restMs > 0) await new Promise((wake) => setTimeout(wake, restMs))
      }
    } catch {
      if (!signal.aborted) this.#onLost()
    }
  }
}
