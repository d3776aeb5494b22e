// What the environment may set: one typed, frozen object. Every key has a default that works on a bare machine.
import { resolve } from 'node:path'
import { Failure } from '../shared/failure.ts'
import { minAllocatedBytes } from '../shared/space.ts'
import type { DatabasePlace } from './db/database.ts'

export interface Config {
  /** `NIGHTJAR_PORT`, 0–65535, default 8971: the TCP port of the web desktop and the API. 0 takes any free one. */
  readonly port: number
  /** Whether `NIGHTJAR_PORT` was given: then it cannot be changed in the desktop. */
  readonly isPortGiven: boolean
  /** `NIGHTJAR_HTTPS_PORT`, 0–65535 or `off`, default 8972: the TCP port of the same under TLS. 0 takes any free one;
   * `off` (here undefined) makes no certificate and leaves TLS to a proxy. */
  readonly httpsPort: number | undefined
  /** Whether `NIGHTJAR_HTTPS_PORT` was given: then it cannot be changed in the desktop. */
  readonly isHttpsPortGiven: boolean
  /** `NIGHTJAR_ACME_URL`, an `https://` address, default Let's Encrypt's: the directory (RFC 8555 §7.1.1) of the authority
   * that gives certificates out. */
  readonly acmeUrl: string
  /** `NIGHTJAR_ACME_CA`, default none: a PEM file with the root that an authority of one's own is itself trusted by. */
  readonly acmeCaFile: string
  /** `NIGHTJAR_HOST`, default `0.0.0.0`: the address listened on. `127.0.0.1` shuts out everything but a proxy here. */
  readonly host: string
  /** `NIGHTJAR_BASE_PATH`, default `/qvrpro/`: the path everything is under. Begins and ends with `/`. */
  readonly basePath: string
  /** `NIGHTJAR_DATA_DIR`, default `.data` in the working folder: databases, the seal key, the recorder's socket. */
  readonly dataDir: string
  /** `NIGHTJAR_DATABASE_URL`, `mysql://user:password@host:port/name`: MariaDB, as `<name>_settings` and `<name>_index`.
   * Not given: SQLite, as `settings.sqlite` and `index.sqlite` in the data folder. */
  readonly settingsDatabase: DatabasePlace
  /** `NIGHTJAR_INDEX_DATABASE_URL`, the same form: the index on a server of its own, in the schema named. */
  readonly indexDatabase: DatabasePlace
  /** `NIGHTJAR_VOLUME`, default `volume` in the data folder: the volume of the recording space made at first start.
   * Read at the first start only; later ones are made in the desktop. */
  readonly volumePath: string
  /** `NIGHTJAR_SPACE_BYTES`, bytes, from 256 MiB, default 0: the size of that space; 0 takes 80 % of what is free. */
  readonly spaceBytes: number
  /** `NIGHTJAR_FOLDER_NAMES`, `qvrpro` or `nightjar`, default `qvrpro`: whether folders of new recording spaces are called
   * `QVRProSpace_…`, as other software looks for them, or `NightjarSpace_…`, beside a QVR Pro on the same machine. */
  readonly folderNames: 'qvrpro' | 'nightjar'
  /** `NIGHTJAR_FLUSH_SEC`, seconds, 1–60, default 5: how often growing segments are made safe on disk, and so what a
   * power cut may cost. Smaller costs disk time. */
  readonly flushSec: number
  /** `NIGHTJAR_SEGMENT_SEC`, seconds, 10–3600, default 300: the length of a segment file. Shorter makes more files and
   * rows; overwriting frees space in steps of one. */
  readonly segmentSec: number
  /** `NIGHTJAR_SESSION_HOURS`, hours, 1–8760, default 168: a login not used for so long ends. */
  readonly sessionHours: number
  /** `NIGHTJAR_LOG_ENTRIES`, 1000–10000000, default 200000: how many lines the durable log keeps; the oldest go. */
  readonly logEntries: number
  /** `NIGHTJAR_TRUST_PROXY`, default `loopback`: addresses or networks (commas) whose `X-Forwarded-*` headers are
   * believed. Wrongly wide, a client can lie about its address and evade the login limit. */
  readonly trustProxy: string
  /** `NIGHTJAR_LOG_LEVEL`, `debug info warn error silent`, default `info`: what the process prints on its output. */
  readonly logLevel: string
  /** `NIGHTJAR_DESKTOP_DIR`, default `dist/web-desktop` beside the sources: the built web desktop. */
  readonly desktopDir: string
  /** `NIGHTJAR_NODE`, default the program this process runs on: what the recorder is started with. For installations whose
   * Node is started through a loader of its own. */
  readonly nodePath: string
  /** `NIGHTJAR_SETUP`, `ask` or `done`, default `ask`: whether the administrator is led through the setup at the first
   * log-in. `done` marks it as finished for good: for machines that are set up by a script. */
  readonly isSetupDone: boolean
  /** `NIGHTJAR_RECORDER`, `own` or `external`, default `own`: whether the server starts a recorder where none answers. With
   * `external` something else keeps one running in the same data folder (systemd), and the server waits for it. */
  readonly keepsRecorder: boolean
  /** Keys that begin with `NIGHTJAR_` and are no setting of this version: probably misspelt, so they are warned of. */
  readonly unknownKeys: readonly string[]
}

type Environment = Record<string, string | undefined>

const logLevels = ['debug', 'info', 'warn', 'error', 'silent']

/**
 * Reads the environment. An empty value counts as not given.
 *
 * Fails `invalid` with the key's name and its limit; `field` is the key.
 */
export function readConfig(env: Environment): Config {
  const reader = new EnvironmentReader(env)
  const dataDir = resolve(reader.text('NIGHTJAR_DATA_DIR', '.data'))
  const databaseUrl = reader.text('NIGHTJAR_DATABASE_URL', '')
  const indexUrl = reader.text('NIGHTJAR_INDEX_DATABASE_URL', '')
  const config: Omit<Config, 'unknownKeys'> = {
    port: reader.integer('NIGHTJAR_PORT', 8971, 0, 65_535),
    isPortGiven: reader.text('NIGHTJAR_PORT', '') !== '',
    httpsPort: reader.portOrOff('NIGHTJAR_HTTPS_PORT', 8972),
    isHttpsPortGiven: reader.text('NIGHTJAR_HTTPS_PORT', '') !== '',
    acmeUrl: reader.httpsUrl('NIGHTJAR_ACME_URL', 'https://acme-v02.api.letsencrypt.org/directory'),
    acmeCaFile: reader.text('NIGHTJAR_ACME_CA', ''),
    host: reader.text('NIGHTJAR_HOST', '0.0.0.0'),
    basePath: reader.basePath('NIGHTJAR_BASE_PATH', '/qvrpro/'),
    dataDir,
    settingsDatabase: databasePlace('NIGHTJAR_DATABASE_URL', databaseUrl, dataDir, 'settings'),
    indexDatabase:
      indexUrl === ''
        ? databasePlace('NIGHTJAR_DATABASE_URL', databaseUrl, dataDir, 'index')
        : databasePlace('NIGHTJAR_INDEX_DATABASE_URL', indexUrl, dataDir, undefined),
    volumePath: resolve(reader.text('NIGHTJAR_VOLUME', `${dataDir}/volume`)),
    spaceBytes: reader.integer('NIGHTJAR_SPACE_BYTES', 0, minAllocatedBytes, Number.MAX_SAFE_INTEGER),
    folderNames: reader.oneOf('NIGHTJAR_FOLDER_NAMES', ['qvrpro', 'nightjar'], 'qvrpro') as Config['folderNames'],
    flushSec: reader.integer('NIGHTJAR_FLUSH_SEC', 5, 1, 60),
    segmentSec: reader.integer('NIGHTJAR_SEGMENT_SEC', 300, 10, 3600),
    sessionHours: reader.integer('NIGHTJAR_SESSION_HOURS', 168, 1, 8760),
    logEntries: reader.integer('NIGHTJAR_LOG_ENTRIES', 200_000, 1000, 10_000_000),
    trustProxy: reader.text('NIGHTJAR_TRUST_PROXY', 'loopback'),
    logLevel: reader.oneOf('NIGHTJAR_LOG_LEVEL', logLevels, 'info'),
    nodePath: reader.text('NIGHTJAR_NODE', process.execPath),
    isSetupDone: reader.oneOf('NIGHTJAR_SETUP', ['ask', 'done'], 'ask') === 'done',
    keepsRecorder: reader.oneOf('NIGHTJAR_RECORDER', ['own', 'external'], 'own') === 'own',
    desktopDir: resolve(reader.text('NIGHTJAR_DESKTOP_DIR', resolve(import.meta.dirname, '../dist/web-desktop'))),
  }
  return Object.freeze({ ...config, unknownKeys: reader.unknownKeys() })
}

class EnvironmentReader {
  readonly #env: Environment
  readonly #known = new Set<string>()

  constructor(env: Environment) {
    this.#env = env
  }

  text(key: string, byDefault: string): string {
    this.#known.add(key)
    const value = this.#env[key]?.trim()
    return value === undefined || value === '' ? byDefault : value
  }

  integer(key: string, byDefault: number, least: number, most: number): number {
    const text = this.text(key, '')
    if (text === '') return byDefault
    const value = Number(text)
    if (value !== byDefault && (!/^\d+$/.test(text) || value < least || value > most)) {
      throw refusal(key, `must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`)
    }
    return value
  }

  portOrOff(key: string, byDefault: number): number | undefined {
    const text = this.text(key, '')
    if (text === 'off') return undefined
    if (text !== '' && !/^\d+$/.test(text)) {
      throw refusal(key, `must be a whole number from 0 to 65535, or off, not ${JSON.stringify(text)}`)
    }
    return this.integer(key, byDefault, 0, 65_535)
  }

  httpsUrl(key: string, byDefault: string): string {
    const text = this.text(key, byDefault)
    if (!URL.canParse(text) || new URL(text).protocol !== 'https:') throw refusal(key, 'must be an https:// address')
    return text
  }

  oneOf(key: string, values: string[], byDefault: string): string {
    const value = this.text(key, byDefault)
    if (!values.includes(value)) throw refusal(key, `must be one of ${values.join(', ')}, not ${JSON.stringify(value)}`)
    return value
  }

  basePath(key: string, byDefault: string): string {
    const path = this.text(key, byDefault)
    if (!/^\/([A-Za-z0-9._~-]+\/)*$/.test(path) || /\/\.{1,2}\//.test(path)) {
      throw refusal(
        key,
        `must begin and end with / and hold letters, digits, . _ ~ - only, not ${JSON.stringify(path)}`,
      )
    }
    return path
  }

  unknownKeys(): string[] {
    return Object.keys(this.#env).filter((key) => key.startsWith('NIGHTJAR_') && !this.#known.has(key))
  }
}

function databasePlace(key: string, url: string, dataDir: string, part: string | undefined): DatabasePlace {
  if (url === '') return { kind: 'sqlite', file: `${dataDir}/${part}.sqlite` }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const name = parsed?.pathname.slice(1) ?? ''
  // The address may hold a password: it is not repeated in the message.
  if (parsed === undefined || (parsed.protocol !== 'mysql:' && parsed.protocol !== 'mariadb:')) {
    throw refusal(key, 'must be mysql://user:password@host:port/name')
  }
  if (!/^[A-Za-z0-9_]{1,50}$/.test(name)) {
    throw refusal(key, `must end in a database name of 1 to 50 letters, digits or _, not ${JSON.stringify(name)}`)
  }
  return { kind: 'mysql', url, schema: part === undefined ? name : `${name}_${part}` }
}

function refusal(key: string, finding: string): Failure {
  return new Failure('invalid', `${key}: ${finding}`, { field: key })
}
