// The server's end of an index worker.
import { Worker } from 'node:worker_threads'
import type { DatabasePlace } from '../db/database.ts'
import type { FromIndexWorker, IndexAnswers, IndexTask, IndexWorkerData, ToIndexWorker } from './index-worker.ts'

interface Waiting {
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
}

/** Runs tasks in one worker thread, begun at the first of them, and begun anew at the next where it failed. */
export class IndexThread {
  readonly #place: DatabasePlace
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #lastId = 0

  constructor(place: DatabasePlace) {
    this.#place = place
  }

  /** Fails with the database's error: its message and what `isDatabaseAway` looks at. */
  run<Task extends IndexTask>(task: Task): Promise<IndexAnswers[Task['type']]> {
    this.#worker ??= this.#begin()
    const worker = this.#worker
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      worker.postMessage({ id, task } satisfies ToIndexWorker)
    })
  }

  /** Gives up what runs, and ends the thread. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage('abort' satisfies ToIndexWorker)
    const timer = setTimeout(() => void worker.terminate(), 2000)
    await ended
    clearTimeout(timer)
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      workerData: { place: this.#place } satisfies IndexWorkerData,
    })
    const fail = (error: Error) => {
      if (this.#worker === worker) this.#worker = undefined
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    }
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('the index worker ended')))
    worker.on('message', (message: FromIndexWorker) => {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if ('answer' in message) waiting?.resolve(message.answer)
      else waiting?.reject(Object.assign(new Error(message.error.message), message.error))
    })
    return worker
  }
}
