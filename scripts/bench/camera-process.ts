// Simulated cameras in a process of their own, so that what they cost is nobody else's.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { CameraStats } from '../cameras/camera.ts'
import type { FarmAddresses } from '../cameras/control-api.ts'
import { ownChild } from './own-processes.ts'

export class CameraProcess {
  readonly addresses: FarmAddresses
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, addresses: FarmAddresses) {
    this.#child = child
    this.addresses = addresses
  }

  /** Starts cameras by `fake-camera.ts`'s own options; the first time takes as long as its clips do. */
  static async start(options: string[]): Promise<CameraProcess> {
    const program = path.join(import.meta.dirname, '../fake-camera.ts')
    const child = ownChild(spawn(process.execPath, [program, ...options], { stdio: ['ignore', 'pipe', 'inherit'] }))
    const lines = createInterface({ input: child.stdout! })
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`simulated cameras ended at once, with ${code}`)
    })
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    ended.catch(() => undefined)
    return new CameraProcess(child, JSON.parse(line) as FarmAddresses)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The addresses of every camera's stream of this name. */
  urls(stream: string): string[] {
    return this.addresses.cameras.map((camera) => camera.streams[stream]!)
  }

  async stats(): Promise<CameraStats[]> {
    const { host, httpPort } = this.addresses
    const response = await fetch(`http://${host}:${httpPort}/control/stats`)
    return (await response.json()) as CameraStats[]
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
