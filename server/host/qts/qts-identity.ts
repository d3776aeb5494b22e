// What NAS this is.
import { type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import type { Identity, IdentityPart } from '../identity.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { ToolRunner } from '../tool-runner.ts'
import type { QtsConfig } from './qts-config.ts'
import type { QtsHttp } from './qts-http.ts'
import { textOf } from './xml.ts'

export interface QtsIdentityParts {
  config: QtsConfig
  tools: ToolRunner
  files: MachineFiles
  http: QtsHttp
  architecture: string
}

export class QtsIdentity implements IdentityPart {
  readonly #parts: QtsIdentityParts

  constructor(parts: QtsIdentityParts) {
    this.#parts = parts
  }

  async get(session?: HostSession): Promise<Identity> {
    const { config, architecture } = this.#parts
    const [name, model, system, serial, machineId, platform] = await Promise.all([
      this.#firstOf(config.get('System', 'Server Name'), config.get('System', 'Hostname')),
      this.#model(),
      this.#system(),
      this.#serial(session),
      this.#machineId(),
      config.get('', 'Platform', '/etc/platform.conf'),
    ])
    return { name, model, system, serial, machineId, architecture, platform }
  }

  async #model(): Promise<Finding<string>> {
    const { config, tools } = this.#parts
    const shown = await tools.text('/sbin/getsysinfo', ['model'])
    if (shown.isFound && shown.value !== '') return shown
    return this.#firstOf(config.get('System', 'Model'), config.get('System', 'Internal Model'))
  }

  /** The firmware's own file is believed before the settings, which a restored backup brings from elsewhere. */
  async #system(): Promise<Finding<string>> {
    const { config } = this.#parts
    const firmware = '/etc/default_config/uLinux.conf'
    const version = await this.#firstOf(config.get('System', 'Version', firmware), config.get('System', 'Version'))
    const build = await this.#firstOf(
      config.get('System', 'Build Number', firmware),
      config.get('System', 'Build Number'),
    )
    if (!version.isFound) return version
    return found(`QTS ${version.value}${build.isFound ? ` (${build.value})` : ''}`)
  }

  async #serial(session: HostSession | undefined): Promise<Finding<string>> {
    const fields = { subfunc: 'sysinfo', hd: 'no', multicpu: '1' }
    const answer = await this.#parts.http.postAs(session, '/cgi-bin/management/manaRequest.cgi', fields)
    if (!answer.isFound) return answer
    const serial = textOf(answer.value, 'serial_number')
    return serial === '' ? lack('not-available', 'read serial number: QTS does not tell it') : found(serial)
  }

  /** QTS has no machine id of systemd's: the address of its first network card stands for it. */
  async #machineId(): Promise<Finding<string>> {
    const address = await this.#parts.files.readLine('/sys/class/net/eth0/address').catch(() => undefined)
    if (address !== undefined && /^([\da-f]{2}:){5}[\da-f]{2}$/i.test(address)) return found(address.toLowerCase())
    return lack('not-available', 'read machine id: there is no network card eth0')
  }

  async #firstOf(...findings: Promise<Finding<string>>[]): Promise<Finding<string>> {
    const all = await Promise.all(findings)
    return all.find(({ isFound }) => isFound) ?? all[0]!
  }
}
