// Restarting and shutting down a Linux machine: root's to do, so the root door is asked.
import type { Finding } from '../finding.ts'
import type { PowerPart } from '../power.ts'
import type { RootClient } from './root-client.ts'

export class LinuxPower implements PowerPart {
  readonly #root: RootClient

  constructor(root: RootClient) {
    this.#root = root
  }

  check(): Promise<Finding<undefined>> {
    return this.#root.check('power')
  }

  restart(): Promise<Finding<undefined>> {
    return this.#root.ask({ verb: 'restart' })
  }

  shutDown(): Promise<Finding<undefined>> {
    return this.#root.ask({ verb: 'shutdown' })
  }
}
