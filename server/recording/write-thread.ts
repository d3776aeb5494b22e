// A thread that does the writes of one volume, woken once a nap however many there are.
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import { control, makeWriteRing, place, ringPlaces } from './write-ring.js'

interface Waiting {
  sinceMs: number
  resolve(): void
  reject(error: Error): void
}

/**
 * Writes bytes of a shared memory to files. libuv's pool would wake a thread for every one of the dozen writes that a nap
 * brings, which cost a quarter of all that recording 64 cameras takes; and a volume that hangs would hold that pool's
 * threads. Nothing is waited for here: `kick` lets the thread begin, `settle` tells of what it has ended.
 */
export class WriteThread {
  readonly #ring: ReturnType<typeof makeWriteRing>
  readonly #worker: Worker
  /** In the order given; the thread ends them in that order. */
  readonly #waiting: Waiting[] = []
  #given = 0
  #settled = 0
  #isGone = false

  constructor(memory: SharedArrayBuffer) {
    this.#ring = makeWriteRing(memory)
    this.#worker = new Worker(new URL('./write-worker.js', import.meta.url), {
      workerData: this.#ring,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
      execArgv: [],
    })
    this.#worker.on('error', (error) => this.#onGone(error))
    this.#worker.on('exit', () => this.#onGone(new Error('the write thread ended')))
    this.#worker.unref()
  }

  /** It ended, and takes nothing more. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Whether it can see these bytes, and has a place for one more write. */
  canTake(bytes: Uint8Array): boolean {
    return !this.#isGone && bytes.buffer === this.#ring.memory && this.#waiting.length < ringPlaces
  }

  /** For how long the oldest write has been under way, in milliseconds; 0 where none is. */
  get oldestMs(): number {
    const [oldest] = this.#waiting
    return oldest === undefined ? 0 : performance.now() - oldest.sinceMs
  }

  /** Writes all of `bytes[start, end)`, which `canTake` took, at `position`; after the next `kick`. Fails as `fs.write`. */
  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): Promise<void> {
    const index = this.#given & (ringPlaces - 1)
    const at = index * place.fields
    const { places, positions } = this.#ring
    places[at + place.file] = file
    places[at + place.start] = bytes.byteOffset + start
    places[at + place.count] = end - start
    positions[index] = position
    this.#given = (this.#given + 1) | 0
    return new Promise((resolve, reject) => this.#waiting.push({ sinceMs: performance.now(), resolve, reject }))
  }

  /** Lets the thread begin what was given to it. */
  kick(): void {
    if (Atomics.load(this.#ring.control, control.given) === this.#given) return
    Atomics.store(this.#ring.control, control.given, this.#given)
    Atomics.notify(this.#ring.control, control.given)
  }

  /** Resolves the writes that have ended. Returns how many. */
  settle(): number {
    const ended = Atomics.load(this.#ring.control, control.ended)
    let count = 0
    for (; this.#settled !== ended; this.#settled = (this.#settled + 1) | 0) {
      count++
      const at = (this.#settled & (ringPlaces - 1)) * place.fields
      const result = this.#ring.places[at + place.result]!
      const waiting = this.#waiting.shift()
      if (result === 0) waiting?.resolve()
      else waiting?.reject(systemError(result))
    }
    return count
  }

  #onGone(cause: Error): void {
    if (this.#isGone) return
    this.#isGone = true
    this.settle()
    for (const { reject } of this.#waiting.splice(0))
      reject(Object.assign(new Error('write', { cause }), { code: 'EIO' }))
  }

  /** Ends the thread; what it was still to write fails. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`${code}: write`), { code, errno, syscall: 'write' })
}
