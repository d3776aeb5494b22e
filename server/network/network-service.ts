// The server's name and ports, and whether HTTPS is on or forced.
import { hostname } from 'node:os'
import { Failure } from '../../shared/failure.ts'
import { type NetworkChange, type NetworkSettings, type NetworkStatus, serverName } from '../../shared/network.ts'
import type { Logger } from '../base/logger.ts'
import type { SettingStore } from '../db/setting-store.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import type { CertificateService } from './certificate-service.ts'
import type { OpenedPort, WebListeners } from './web-listeners.ts'

const settingName = 'network'

/** What the environment says; a port that was given there is not changed here. */
export interface NetworkDefaults {
  port: number
  isPortGiven: boolean
  /** undefined: HTTPS is off, whatever is set here. */
  httpsPort: number | undefined
  isHttpsPortGiven: boolean
}

export interface NetworkOptions {
  defaults: NetworkDefaults
  /** Whether ports and HTTPS are those of the NAS, whose web server stands before this one. */
  isKeptByNas: boolean
  /** What the machine is called; undefined where it does not tell. */
  machineName: string | undefined
  settings: SettingStore
  certificates: CertificateService
  listeners: WebListeners
  log: LogService
  logger: Logger
}

const defaultHttpsPort = 8972

export class NetworkService {
  readonly #options: NetworkOptions
  #stored: Partial<NetworkSettings> = {}
  #httpsFault: string | undefined
  #changing: Promise<unknown> = Promise.resolve()

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  get serverName(): string {
    return this.#stored.serverName ?? defaultServerName(this.#options.machineName)
  }

  /** The port plain HTTP is sent on to, where HTTPS is forced and listens. */
  get forcedPort(): number | undefined {
    return this.#stored.isHttpsForced ? this.#options.listeners.httpsPort : undefined
  }

  async load(): Promise<void> {
    this.#stored = (await this.#options.settings.get<Partial<NetworkSettings>>(settingName)) ?? {}
  }

  /** Listens. Fails where HTTP cannot; HTTPS that cannot is logged and shown, and HTTP goes on without it. */
  async listen(): Promise<void> {
    const { listeners, certificates, defaults, log, logger } = this.#options
    const port = defaults.isPortGiven ? defaults.port : (this.#stored.httpPort ?? defaults.port)
    const http = await listeners.openHttp(port)
    http.take()
    const { isHttpsOn, isHttpsForced } = this.status()
    if (!isHttpsOn) return
    try {
      const https = await listeners.openHttps(this.#wantedHttpsPort(), await certificates.tls())
      https.take()
    } catch (error) {
      this.#httpsFault = (error as Error).message
      logger.error({ err: error }, 'HTTPS cannot be listened for')
      log.record({
        kind: 'system',
        level: 'error',
        name: 'https-failed',
        message: `HTTPS cannot be listened for${isHttpsForced ? ', so plain HTTP is let in' : ''}: ${this.#httpsFault}`,
      })
    }
  }

  status(): NetworkStatus {
    const { defaults, listeners } = this.#options
    return {
      serverName: this.serverName,
      httpPort: listeners.httpPort ?? defaults.port,
      httpsPort: listeners.httpsPort ?? this.#wantedHttpsPort(),
      isHttpsOn: defaults.httpsPort !== undefined && (this.#stored.isHttpsOn ?? true),
      isHttpsForced: this.#stored.isHttpsForced ?? false,
      fixedBy: {
        ...(defaults.isPortGiven ? { httpPort: 'NIGHTJAR_PORT' } : {}),
        ...(defaults.isHttpsPortGiven ? { httpsPort: 'NIGHTJAR_HTTPS_PORT' } : {}),
        ...(defaults.httpsPort === undefined ? { isHttpsOn: 'NIGHTJAR_HTTPS_PORT' } : {}),
      },
      ...(this.#httpsFault === undefined ? {} : { httpsFault: this.#httpsFault }),
    }
  }

  /**
   * Changes settings; ports are opened before the former ones are left, and connections stay.
   *
   * Fails `conflict` at a field that the environment decides, or at a port that cannot be listened on; `invalid` where
   * HTTPS is forced and not on, or both ports are one. Then nothing has changed.
   */
  change(change: NetworkChange, by: LogAuthor): Promise<NetworkStatus> {
    // One at a time: two would each undo the other's ports.
    const done = this.#changing.then(() => this.#change(change, by))
    this.#changing = done.catch(() => undefined)
    return done
  }

  async #change(change: NetworkChange, by: LogAuthor): Promise<NetworkStatus> {
    const before = this.status()
    const keys = (Object.keys(change) as (keyof NetworkChange)[]).filter(
      (key) => change[key] !== undefined && change[key] !== before[key],
    )
    for (const key of keys) {
      if (this.#options.isKeptByNas && key !== 'serverName') {
        throw new Failure('conflict', `${key}: the NAS keeps this: change it in the Control Panel of QTS`, {
          field: key,
        })
      }
      const variable = before.fixedBy[key as keyof NetworkStatus['fixedBy']]
      if (variable !== undefined) {
        throw new Failure('conflict', `${key}: is set by ${variable} where the server is started`, { field: key })
      }
    }
    const wanted = { ...before, ...change }
    if (wanted.isHttpsForced && !wanted.isHttpsOn) {
      const field = change.isHttpsForced ? 'isHttpsForced' : 'isHttpsOn'
      throw new Failure('invalid', `${field}: HTTPS must be on to be forced`, { field })
    }
    if (wanted.isHttpsOn && wanted.httpPort === wanted.httpsPort) {
      throw new Failure('invalid', 'httpsPort: must not be the port of HTTP', { field: 'httpsPort' })
    }
    const stored = { ...this.#stored, ...Object.fromEntries(keys.map((key) => [key, change[key]])) }
    const opened = await this.#open(before, wanted, change)
    try {
      await this.#options.settings.set(settingName, stored)
    } catch (error) {
      for (const port of opened) port.drop()
      throw error
    }
    this.#stored = stored
    for (const port of opened) port.take()
    if (!wanted.isHttpsOn) this.#options.listeners.closeHttps()
    if (!wanted.isHttpsOn || this.#options.listeners.httpsPort !== undefined) this.#httpsFault = undefined
    if (keys.length > 0) {
      this.#options.log.record({
        kind: 'setting',
        level: 'info',
        name: 'network-updated',
        message: `network settings were changed: ${keys.join(', ')}`,
        by,
        detail: Object.fromEntries(keys.map((key) => [key, { from: before[key], to: change[key] }])),
      })
    }
    return this.status()
  }

  /** Opens the ports that are wanted and not there: all of them, or none and it fails. */
  async #open(before: NetworkStatus, wanted: NetworkSettings, change: NetworkChange): Promise<OpenedPort[]> {
    const { listeners, certificates } = this.#options
    const opened: OpenedPort[] = []
    const open = async (field: 'httpPort' | 'httpsPort', opening: Promise<OpenedPort>) => {
      try {
        opened.push(await opening)
      } catch (cause) {
        for (const port of opened) port.drop()
        throw portFailure(field, wanted[field], cause as Error)
      }
    }
    // HTTPS that failed at start is tried again by whoever asks for it, not by a change of the name.
    const isAsked = change.isHttpsOn !== undefined || change.httpsPort !== undefined
    const isMissing = listeners.httpsPort === undefined && isAsked
    if (wanted.isHttpsOn && (isMissing || wanted.httpsPort !== before.httpsPort)) {
      const tls = await certificates.tls()
      await open('httpsPort', listeners.openHttps(wanted.httpsPort, tls))
    }
    if (wanted.httpPort !== before.httpPort) await open('httpPort', listeners.openHttp(wanted.httpPort))
    return opened
  }

  #wantedHttpsPort(): number {
    const { httpsPort = defaultHttpsPort, isHttpsPortGiven } = this.#options.defaults
    return isHttpsPortGiven ? httpsPort : (this.#stored.httpsPort ?? httpsPort)
  }
}

function portFailure(field: 'httpPort' | 'httpsPort', port: number, cause: Error): Failure {
  const { code } = cause as NodeJS.ErrnoException
  const finding =
    code === 'EADDRINUSE' ? 'another program has it' : code === 'EACCES' ? 'the server may not' : cause.message
  return new Failure('conflict', `${field}: ${port} cannot be listened on: ${finding}`, { field, cause })
}

/** The machine's own, as far as it makes a name. */
function defaultServerName(machineName = hostname()): string {
  const parsed = serverName.safeParse(machineName.split('.')[0])
  return parsed.success ? parsed.data : 'nightjar'
}
