// QTS's settings, by its own getcfg.
import { type Finding, found, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { ToolRunner } from '../tool-runner.ts'

export class QtsConfig {
  readonly #tools: ToolRunner
  readonly #files: MachineFiles

  constructor(tools: ToolRunner, files: MachineFiles) {
    this.#tools = tools
    this.#files = files
  }

  /**
   * A key's value, from uLinux.conf where no file is named; an empty one is none. Section `` is that of a file without.
   *
   * No default is asked for: of what getcfg ends with where it gives one, firmwares disagree.
   */
  async get(section: string, key: string, file = '/etc/config/uLinux.conf'): Promise<Finding<string>> {
    const answer = await this.#tools.run('/sbin/getcfg', [section, key, '-f', this.#files.path(file)])
    if (!answer.isFound) return answer
    const value = answer.value.output.trim()
    if (answer.value.exitCode === 0 && value !== '') return found(value)
    return lack('not-available', `read [${section}] ${key} of ${file}: not set`)
  }

  /** A TCP port. */
  async port(section: string, key: string): Promise<Finding<number>> {
    const value = await this.get(section, key)
    if (!value.isFound) return value
    const port = Number(value.value)
    if (/^\d+$/.test(value.value) && port >= 1 && port <= 65_535) return found(port)
    return lack('failed', `read [${section}] ${key}: ${JSON.stringify(value.value.slice(0, 40))} is no port`)
  }
}
