// What machine this is, by what its kernel and its distribution say.
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { Identity, IdentityPart } from '../identity.ts'
import { iniValue, parseIni } from '../ini-file.ts'
import type { MachineFiles } from '../machine-files.ts'

const limitMs = 3000

/** What makers leave in the board's tables where they have nothing to say. */
const placeholders =
  /^(to be filled by o\.e\.m\.|default string|system (product name|serial number)|not specified|none|0+)$/i

export class LinuxIdentity implements IdentityPart {
  readonly #files: MachineFiles
  readonly #architecture: string

  constructor(files: MachineFiles, architecture: string) {
    this.#files = files
    this.#architecture = architecture
  }

  async get(): Promise<Identity> {
    const [name, model, system, serial, machineId, platform] = await Promise.all([
      this.#line('name', ['/proc/sys/kernel/hostname', '/etc/hostname']),
      this.#line('model', ['/sys/class/dmi/id/product_name', '/proc/device-tree/model']),
      this.#system(),
      this.#line('serial number', ['/sys/class/dmi/id/product_serial', '/proc/device-tree/serial-number']),
      this.#line('machine id', ['/etc/machine-id', '/var/lib/dbus/machine-id']),
      this.#line('platform', ['/sys/class/dmi/id/board_name']),
    ])
    return { name, model, system, serial, machineId, architecture: this.#architecture, platform }
  }

  #system(): Promise<Finding<string>> {
    return asFinding('read system', limitMs, async () => {
      for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
        const text = await this.#files.read(path)
        const name = iniValue(parseIni(text ?? '').get(''), 'PRETTY_NAME')
        if (name !== undefined) return found(name.replace(/^(["'])(.*)\1$/, '$2'))
      }
      return lack('not-available', 'read system: there is no os-release')
    })
  }

  /** The first of these files that says something; denied where one could not be read and no other does. */
  #line(what: string, paths: string[]): Promise<Finding<string>> {
    return asFinding(`read ${what}`, limitMs, async () => {
      let denial: unknown
      for (const path of paths) {
        const line = await this.#files.readLine(path).catch((error: unknown) => {
          denial = error
          return undefined
        })
        // Texts of a device tree end in a zero byte.
        const text = line?.replace(/\0+$/, '').trim() ?? ''
        if (text !== '' && !placeholders.test(text)) return found(text)
      }
      if (denial !== undefined) throw denial
      return lack('not-available', `read ${what}: this machine does not tell it`)
    })
  }
}
