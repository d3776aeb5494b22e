// Memory that was in use before, handed to the page cache (`warm-memory.c` says why).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { freemem } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { buildProgram } from './c-program.ts'
import { ownChild } from './own-processes.ts'

/** Of the machine's free memory, the share that may be taken. */
const largestShare = 0.4

export class WarmMemory {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Takes memory for `seconds` of footage that comes at `mbPerSec`, and as much again, as far as there is room. */
  static async take(seconds: number, mbPerSec: number): Promise<WarmMemory> {
    const mb = Math.min(Math.ceil(seconds * mbPerSec), Math.floor((freemem() * largestShare) / 2 / 1048576))
    const program = buildProgram(path.join(import.meta.dirname, 'warm-memory.c'))
    const child = ownChild(spawn(program, [String(mb)], { stdio: ['pipe', 'pipe', 'inherit'] }))
    await once(createInterface({ input: child.stdout! }), 'line')
    return new WarmMemory(child)
  }

  /** Gives half of it to whoever needs memory next. */
  release(): void {
    this.#child.stdin!.write('\n')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
