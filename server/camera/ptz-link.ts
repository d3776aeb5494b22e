// The way to one camera that is being turned: a worker that stays logged in.
import { Worker } from 'node:worker_threads'
import type { OnvifProbeRequest } from '../../shared/camera.ts'
import { enter, maxHeapMb, type OnvifOptions } from './onvif.ts'
import type { PtzCommand, PtzFailed, PtzOpening, PtzResult, PtzTask } from './ptz-conversation.ts'

type Message = PtzOpening | PtzResult

const isNothing: PtzFailed = { kind: 'failed', fault: 'protocol', words: 'an answer is not as ONVIF has it' }

/**
 * A worker for the reasons `onvif.ts` has for its own; one a camera, so that none can harm another.
 *
 * Whoever opens it closes it, whatever became of opening.
 */
export class PtzLink {
  readonly #worker: Worker
  readonly #deadlineMs: number
  #answer: ((message: Message) => void) | undefined
  #last: Promise<unknown> = Promise.resolve()
  #end: PtzFailed | undefined

  private constructor(task: PtzTask, deadlineMs: number) {
    this.#deadlineMs = deadlineMs
    this.#worker = new Worker(new URL('./ptz-worker.ts', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // What it says to the console is nothing to us, and might hold a password.
      stdout: true,
      stderr: true,
    })
    this.#worker.on('message', (message: Message) => this.#answer?.(message))
    this.#worker.once('error', () => this.#finish(isNothing))
    this.#worker.once('exit', () => this.#finish(isNothing))
  }

  /** Logs in and finds the head. Never rejects. */
  static async open(
    request: OnvifProbeRequest & { streamUrl: string },
    options: OnvifOptions,
  ): Promise<{ link: PtzLink | undefined; opening: PtzOpening }> {
    const entry = await enter(request, options)
    if (entry.kind === 'failed') return { link: undefined, opening: entry }
    const link = new PtzLink({ ...entry.device, streamUrl: request.streamUrl }, options.deadlineMs ?? 15_000)
    const opening = (await link.#next(() => undefined)) as PtzOpening
    entry.tell(opening.kind === 'failed' ? opening.fault : undefined)
    if (opening.kind !== 'head') link.close()
    return { link: opening.kind === 'head' ? link : undefined, opening }
  }

  /** Does one command after those before it. Never rejects; after a failure the link is of no use any more. */
  ask(command: PtzCommand): Promise<PtzResult> {
    const asked = this.#last.then(() => this.#next(() => this.#worker.postMessage(command)) as Promise<PtzResult>)
    this.#last = asked
    return asked
  }

  /** What is being asked fails. */
  close(): void {
    this.#finish({ kind: 'failed', fault: 'connection', words: 'given up' })
  }

  async #next(send: () => void): Promise<Message> {
    if (this.#end !== undefined) return this.#end
    const message = await new Promise<Message>((resolve) => {
      const late = (): void =>
        this.#finish({ kind: 'failed', fault: 'connection', words: `not done within ${this.#deadlineMs / 1000} s` })
      const timer = setTimeout(late, this.#deadlineMs)
      this.#answer = (answer) => {
        clearTimeout(timer)
        this.#answer = undefined
        resolve(answer)
      }
      send()
    })
    if (message.kind === 'failed') this.#finish(message)
    return message
  }

  #finish(end: PtzFailed): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#answer?.(end)
    void this.#worker.terminate()
  }
}
