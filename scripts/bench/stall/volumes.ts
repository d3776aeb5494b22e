// File systems of the bench's own, which can be made to stall: image files on loop devices.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

export class Volumes {
  /** Where they are mounted. */
  readonly folders: readonly string[]
  readonly #keeper: ChildProcess
  readonly #said: AsyncIterator<string>

  private constructor(folders: readonly string[], keeper: ChildProcess) {
    this.folders = folders
    this.#keeper = keeper
    this.#said = createInterface({ input: keeper.stdout! })[Symbol.asyncIterator]()
  }

  /** Mounts `count` file systems of `sizeBytes` each below `folder`; room is taken as they fill. Needs root. */
  static async mount(folder: string, count: number, sizeBytes: number): Promise<Volumes> {
    const folders = Array.from({ length: count }, (_, i) => path.join(folder, `volume-${i}`))
    const program = path.join(import.meta.dirname, 'keep-volumes.sh')
    // Detached: what ends the bench must not end what thaws and unmounts, and the end of its input tells it to.
    const keeper = spawn('sh', [program, String(sizeBytes), ...folders], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    keeper.stdin!.on('error', () => undefined)
    const volumes = new Volumes(folders, keeper)
    await volumes.#hear('mounted')
    return volumes
  }

  async #hear(word: string): Promise<void> {
    const { value } = await this.#said.next()
    if (value !== word) throw new Error(`keep-volumes.sh: ended before it said ${word}`)
  }

  /** Names the process that writes to them: however the bench ends, it does not keep them busy. */
  heldBy(pid: number): void {
    this.#keeper.stdin!.write(`holder ${pid}\n`)
  }

  /** Lets no write to a file system return for so long. Returns for how long that was, in seconds, once it is over. */
  async stall(folder: string, seconds: number): Promise<number> {
    const beganMs = performance.now()
    this.#keeper.stdin!.write(`freeze ${seconds} ${folder}\n`)
    await this.#hear('thawed')
    return (performance.now() - beganMs) / 1000
  }

  /** Thaws and unmounts all. Nothing of theirs should be open any more; where it is, it is waited for 10 s. */
  async unmount(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return
    const ended = once(this.#keeper, 'exit')
    this.#keeper.stdin!.end()
    await ended
  }
}
