// The recorder's loop sleeps between its turns, so that the kernel gathers what many cameras send and one read takes it
// (BENCHMARKS.md tells what that saves). A bell ends a sleep at once.
import { Worker } from 'node:worker_threads'
import type { DiskLoad } from './disk.ts'

export interface NapOptions {
  /** Milliseconds to sleep now; 0 not at all. Asked before every sleep. */
  napMs: () => number
  /** Called before every sleep: all that had come in has been read. */
  beforeSleep?: () => void
  /** Called after every sleep, before anything is read. */
  afterSleep?: () => void
  /** The Unix socket whose connections ring the bell. */
  bellPath: string
}

/** Nap while nobody waits for us, and while somebody watches, in milliseconds. */
export const idleNapMs = 150
export const watchedNapMs = 20

/**
 * Nap while the youngest session is no older than so many seconds. The kernel gives a new connection 64 KB of window and
 * raises that to a few times the most it sees taken at once: a nap twice as long is safe only when the shorter one has met
 * a keyframe, else cameras with small buffers lose a GOP.
 */
const newcomerNaps = [
  { ageSec: 4, ms: 25 },
  { ageSec: 8, ms: 50 },
  { ageSec: 16, ms: 100 },
]

/** The shortest nap: file calls that others wait for are under way. */
const busyNapMs = 1

/** Who waits for the recorder besides the disk. */
export interface NapWaiters {
  isWatched: boolean
  /** Age of the youngest session, in seconds; Infinity where there is none. */
  youngestSec: number
}

/** Chooses how long to sleep, by who waits for us. */
export class NapLength {
  readonly #load: DiskLoad
  #busyMs = busyNapMs
  #finished = 0

  constructor(load: DiskLoad) {
    this.#load = load
  }

  /** Milliseconds to sleep now. */
  next(waiters: NapWaiters): number {
    const { urgent, waiting, finished } = this.#load
    const newcomer = newcomerNaps.find(({ ageSec }) => waiters.youngestSec < ageSec)
    const restMs = waiters.isWatched ? watchedNapMs : (newcomer?.ms ?? idleNapMs)
    if (urgent === 0 && waiting === 0) return restMs
    // A disk that has stopped answering is not asked a thousand times a second.
    this.#busyMs = finished === this.#finished ? Math.min(this.#busyMs * 2, watchedNapMs) : busyNapMs
    this.#finished = finished
    return this.#busyMs
  }
}

/** Begins to sleep between turns of this thread's event loop. Returns what ends it. */
export function startNapping(options: NapOptions): () => Promise<void> {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  let isStopped = false
  const turn = () => {
    if (isStopped) return
    // Asked for first: what is done before a sleep may fail, and the naps go on.
    setImmediate(turn)
    options.beforeSleep?.()
    const ms = options.napMs()
    if (ms > 0) Atomics.wait(bell, 0, 0, ms)
    Atomics.store(bell, 0, 0)
    options.afterSleep?.()
  }
  setImmediate(turn)
  // A thread of its own: this one is deaf while it sleeps.
  const worker = new Worker(new URL('./bell.js', import.meta.url), {
    workerData: { bell, path: options.bellPath },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    execArgv: [],
  })
  worker.on('error', () => undefined)
  worker.unref()
  return async () => {
    isStopped = true
    await worker.terminate()
  }
}
