// The recorder's loop sleeps between its turns, so that the kernel gathers what many cameras send and one read takes it
// (BENCHMARKS.md tells what that saves). A bell ends a sleep at once.
import { Worker } from 'node:worker_threads'
import type { DiskLoad } from './disk.ts'

export interface NapOptions {
  /** Milliseconds to sleep now; 0 not at all. Asked before every sleep. */
  napMs: () => number
  /** The Unix socket whose connections ring the bell. */
  bellPath: string
}

/** Nap while nobody waits for us, and while somebody watches, in milliseconds. */
export const idleNapMs = 100
export const watchedNapMs = 15

/** A short nap: file calls that others wait for are under way. */
const busyNapMs = 1

/** How long to sleep, by who waits for us. */
export function napFor(load: DiskLoad, hasWatchers: boolean): number {
  if (load.urgent > 0 || load.waiting > 0) return busyNapMs
  return hasWatchers ? watchedNapMs : idleNapMs
}

/** Begins to sleep between turns of this thread's event loop. Returns what ends it. */
export function startNapping(options: NapOptions): () => Promise<void> {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  let isStopped = false
  const turn = () => {
    if (isStopped) return
    const ms = options.napMs()
    if (ms > 0) Atomics.wait(bell, 0, 0, ms)
    Atomics.store(bell, 0, 0)
    setImmediate(turn)
  }
  setImmediate(turn)
  // A thread of its own: this one is deaf while it sleeps.
  const worker = new Worker(new URL('./bell.ts', import.meta.url), {
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
