// The state of a simulated NAS: the files of its throw-away root, which its programs and its web server both go by.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface NasAccount {
  password: string
  isEnabled?: boolean
  isPasswordExpired?: boolean
  mustChangePassword?: boolean
  description?: string
  email?: string
  /** The last day the account is good, as `[year, month, day]`. */
  lastDay?: [number, number, number]
  /** The second step: the code of the moment, what is offered to who lost the telephone, and wrong emergency codes. */
  secondStep?: { code: string; lostPhone: '1' | '2'; emergencyCode?: string; emergencyTries: number }
  /** What the browser keeps where the person asked to be remembered. */
  rememberToken?: string
  /** The rules ask for a second step, and it may be that there is none. */
  isSecondStepForced?: boolean
}

/** What is kept beside QTS's own files. */
export interface NasExtra {
  accounts: Record<string, NasAccount>
  /** By session id. */
  sessions: Record<string, { user: string }>
  /** Failed tries by address; `banAfter` of them shut it out. */
  failures: Record<string, number>
  banAfter: number
  /** How logins are answered otherwise than well. `no-sid-once` and `no-sid`: passed, but without a session. */
  loginFault?: 'html' | 'status-500' | 'hang' | 'cut' | 'empty' | 'no-sid-once' | 'no-sid' | 'close' | 'redirect'
  /** How programs spell that a second step is wanted. */
  secondStepName: 'need_2sv' | 'need_2_step_verification'
  /** Changes are answered with "passed", and nothing is done. */
  ignoresChanges?: boolean
  /** Volumes by getsysinfo's numbers, which have holes. */
  volumes: Record<string, { description: string; fileSystem: string; size: string; status: string }>
  /** What the storage programs list. */
  volumeIndex: { number: string; mappingName: string; label: string; isEncrypted: boolean }[]
  /** getcfg ends with 1 also where it gives a default, and minds capitals. */
  isStrict: boolean
  /** Names of tools that hang, and of tools that print without end. */
  hangingTools: string[]
  babblingTools: string[]
}

export class NasState {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  path(path: string): string {
    return join(this.root, path)
  }

  read(path: string): string {
    return existsSync(this.path(path)) ? readFileSync(this.path(path), 'utf8') : ''
  }

  /** Whole or not at all, as QTS's own programs write. */
  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    writeFileSync(`${this.path(path)}.new`, text)
    renameSync(`${this.path(path)}.new`, this.path(path))
  }

  get extra(): NasExtra {
    return JSON.parse(this.read('/etc/simulated-nas.json')) as NasExtra
  }

  change(alter: (extra: NasExtra) => void): void {
    const extra = this.extra
    alter(extra)
    this.keep(extra)
  }

  keep(extra: NasExtra): void {
    this.write('/etc/simulated-nas.json', JSON.stringify(extra, null, 2))
    this.#writeForTools(extra)
  }

  /** What the programs must know, in files that a shell reads easily. */
  #writeForTools({ volumes, isStrict, hangingTools, babblingTools }: NasExtra): void {
    const facts = Object.entries(volumes).flatMap(([index, { description, fileSystem, size, status }]) => [
      `vol_desc ${index}\t${description}`,
      `vol_fs ${index}\t${fileSystem}`,
      `vol_totalsize ${index}\t${size}`,
      `vol_status ${index}\t${status}`,
    ])
    const lines = ['model\tTS-453D', `sysvolnum\t${Object.keys(volumes).length}`, ...facts]
    this.write('/etc/simulated/sysinfo', lines.map((line) => `${line}\n`).join(''))
    const flags = [
      ...(isStrict ? ['strict'] : []),
      ...hangingTools.map((name) => `hang-${name}`),
      ...babblingTools.map((name) => `babble-${name}`),
    ]
    for (const name of readdirSync(this.path('/etc/simulated'))) {
      if (name !== 'sysinfo' && !flags.includes(name)) rmSync(this.path(`/etc/simulated/${name}`))
    }
    for (const name of flags) writeFileSync(this.path(`/etc/simulated/${name}`), '')
  }

  /** Lines of /etc/passwd or /etc/group, as their fields. */
  rows(file: 'passwd' | 'group'): string[][] {
    return this.read(`/etc/${file}`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'))
  }

  writeRows(file: 'passwd' | 'group', rows: string[][]): void {
    this.write(`/etc/${file}`, rows.map((row) => `${row.join(':')}\n`).join(''))
  }

  members(group: string): string[] {
    const row = this.rows('group').find(([name]) => name === group)
    return (row?.[3] ?? '').split(',').filter((name) => name !== '')
  }

  isAdministrator(user: string): boolean {
    return this.members('administrators').includes(user)
  }

  /** Each call of a tool, its name first, in order. */
  toolCalls(): string[][] {
    return lines(this.read('/tmp/tools.trace')).map((line) => line.split('\x1f'))
  }

  /** Each request to the web server, in order: method, address and the fields of both address and body. */
  requests(): { method: string; url: string; fields: Record<string, string> }[] {
    return lines(this.read('/tmp/requests.trace')).map((line) => JSON.parse(line))
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
