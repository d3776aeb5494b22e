// Reading segment files from the server's side: positional reads into the caller's buffers, few in flight a space.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'

/** Calls under way on one space at most: libuv's pool is shared, and hung ones would stop it for everybody. */
const maxCallsInFlight = 3

/** Calls that may wait for a space that does not answer; more are refused, so that waiting requests stay bounded. */
const maxCallsWaiting = 512

/** Lets few calls at a time through to one space. */
class Gate {
  #inFlight = 0
  readonly #waiting: (() => void)[] = []

  run<T>(start: (done: (error: NodeJS.ErrnoException | null, value?: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = () => {
        this.#inFlight++
        start((error, value) => {
          this.#inFlight--
          this.#waiting.shift()?.()
          if (error === null) resolve(value as T)
          else reject(error)
        })
      }
      if (this.#inFlight < maxCallsInFlight) call()
      else if (this.#waiting.length < maxCallsWaiting) this.#waiting.push(call)
      else reject(new Failure('unreachable', 'read footage: the disk does not answer'))
    })
  }
}

/** Opens segment files for reading. */
export class FootageFiles {
  readonly #gates = new Map<string, Gate>()

  /**
   * Opens `path` below a space's `folder`.
   *
   * Fails `not-found` where the file is not there (any more), `unreachable` where the space is not or cannot be read.
   */
  async open(folder: string, path: string): Promise<FootageFile> {
    const gate = this.#gate(folder)
    const full = join(folder, path)
    const file = await failing(`open segment ${path}`, () => gate.run<number>((done) => fs.open(full, 'r', done)))
    return new FootageFile(gate, file, path)
  }

  #gate(folder: string): Gate {
    let gate = this.#gates.get(folder)
    if (gate === undefined) {
      gate = new Gate()
      this.#gates.set(folder, gate)
    }
    return gate
  }
}

/** An open segment file. Whoever opened it closes it. */
export class FootageFile {
  readonly path: string
  readonly #gate: Gate
  readonly #file: number
  #isClosed = false

  constructor(gate: Gate, file: number, path: string) {
    this.#gate = gate
    this.#file = file
    this.path = path
  }

  /** Reads up to `length` bytes at `position` into `bytes[at, …)`; gives how many, fewer at the file's end only. */
  async readInto(bytes: Uint8Array, at: number, length: number, position: number): Promise<number> {
    let got = 0
    while (got < length) {
      const from = got
      const count = await failing(`read segment ${this.path}`, () =>
        this.#gate.run<number>((done) => fs.read(this.#file, bytes, at + from, length - from, position + from, done)),
      )
      if (count === 0) break
      got += count
    }
    return got
  }

  /** The same into new bytes, aligned to 8. */
  async read(length: number, position: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    const got = await this.readInto(bytes, 0, length, position)
    return got === length ? bytes : bytes.subarray(0, got)
  }

  async sizeBytes(): Promise<number> {
    const stats = await failing(`read segment ${this.path}`, () =>
      this.#gate.run<fs.Stats>((done) => fs.fstat(this.#file, done)),
    )
    return stats.size
  }

  /** Closing twice does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#gate.run<void>((done) => fs.close(this.#file, done)).catch(() => undefined)
  }
}

async function failing<T>(attempt: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    const kind = code === 'ENOENT' || code === 'ENOTDIR' ? 'not-found' : 'unreachable'
    throw new Failure(kind, `${attempt}: ${code === '' ? String(cause) : code}`, { cause })
  }
}
