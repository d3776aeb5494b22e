// Where QTS's own web server is.
import { type Finding, found, knownValue, lack } from '../finding.ts'
import { iniFlag } from '../ini-file.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { WebAccess, WebAccessPart } from '../web-access.ts'
import type { QtsConfig } from './qts-config.ts'

const defaultHttpPort = 8080
const defaultHttpsPort = 443
const certificate = '/etc/stunnel/stunnel.pem'

export class QtsWebAccess implements WebAccessPart {
  readonly #config: QtsConfig
  readonly #files: MachineFiles

  constructor(config: QtsConfig, files: MachineFiles) {
    this.#config = config
    this.#files = files
  }

  async get(): Promise<WebAccess> {
    const hasCertificate = await this.#files.has(certificate)
    return {
      httpPort: orDefault(await this.#config.port('System', 'Web Access Port'), defaultHttpPort),
      httpsPort: await this.#httpsPort(),
      certificatePath: hasCertificate
        ? found(this.#files.path(certificate))
        : lack('not-available', `find certificate: there is no ${certificate}`),
    }
  }

  /** QTS's web server as reached from the NAS itself, plain first. */
  async baseUrls(): Promise<string[]> {
    const { httpPort, httpsPort } = await this.get()
    const https = knownValue(httpsPort)
    return [
      `http://127.0.0.1:${knownValue(httpPort) ?? defaultHttpPort}`,
      ...(https === undefined ? [] : [`https://127.0.0.1:${https}`]),
    ]
  }

  async #httpsPort(): Promise<Finding<number>> {
    const isOn = knownValue(await this.#config.get('Stunnel', 'Enable'))
    if (iniFlag(isOn) === false) return lack('not-available', 'find HTTPS port: HTTPS is switched off in QTS')
    return orDefault(await this.#config.port('Stunnel', 'Port'), defaultHttpsPort)
  }
}

/** What is not set is QTS's default; what is set and cannot be read is not. */
function orDefault(port: Finding<number>, byDefault: number): Finding<number> {
  return !port.isFound && port.kind === 'not-available' ? found(byDefault) : port
}
