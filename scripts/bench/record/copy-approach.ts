// The floor: a C program that copies each camera's connection into a file and looks at nothing (`copier.c`).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { buildProgram } from '../c-program.ts'
import { ownChild } from '../own-processes.ts'
import type { Approach } from './approach.ts'

export class CopyApproach implements Approach {
  readonly name = 'copy'
  readonly hasMovies = false
  #child: ChildProcess | undefined
  #folder = ''

  async start(urls: readonly string[], folder: string): Promise<void> {
    this.#folder = folder
    const child = ownChild(
      spawn(buildProgram(path.join(import.meta.dirname, 'copier.c')), [folder, ...urls], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    this.#child = child
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`copier ended with ${code}`)
    })
    ended.catch(() => undefined)
    await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), ended])
  }

  pids(): number[] {
    return [this.#child!.pid!]
  }

  beginWindow(): void {
    if (this.#child!.exitCode !== null) throw new Error(`copier ended with ${this.#child!.exitCode}`)
  }

  async stop(): Promise<{ knownGaps: undefined }> {
    const child = this.#child!
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    return { knownGaps: undefined }
  }

  files(camera: number): string[] {
    return [path.join(this.#folder, `${camera}.rtp`)]
  }
}
