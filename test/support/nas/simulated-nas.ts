// A simulated NAS for tests: a throw-away root with QTS's files and programs, and its web server on a real socket.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NasCertificate, NasProxy } from './nas-proxy.ts'
import { type NasExtra, NasState } from './nas-state.ts'
import { NasWeb } from './nas-web.ts'

const tools = ['getcfg', 'getsysinfo', 'log_tool', 'reboot', 'poweroff']

/** The administrator and the other accounts of a fresh one. */
export const nasAccounts = {
  admin: { password: 'pässwört✓ 1' },
  alice: { password: 'alice-secret', description: 'Front desk', email: 'alice@example.org' },
} as const

export class SimulatedNas {
  readonly state: NasState
  readonly #web: NasWeb
  /** Where its web server is. */
  baseUrl = ''

  private constructor(root: string, certificate: NasCertificate | undefined) {
    this.state = new NasState(root)
    this.#web = new NasWeb(this.state, certificate)
  }

  /** Makes one in `root`, an empty folder, and starts its web server: HTTPS alone where there is a certificate. */
  static async start(root: string, certificate?: NasCertificate): Promise<SimulatedNas> {
    const nas = new SimulatedNas(root, certificate)
    nas.#install()
    nas.baseUrl = await nas.#web.listen()
    nas.#writeSettings()
    return nas
  }

  get root(): string {
    return this.state.root
  }

  /** How its web port treats what it passes on to packages. */
  get proxy(): NasProxy {
    return this.#web.proxy
  }

  close(): Promise<void> {
    return this.#web.close()
  }

  /** Writes the mounts as the kernel lists them, the root first: mount point, type, source, options. */
  mount(...mounts: [mountPoint: string, type: string, source: string, options: string][]): void {
    const lines = mounts.map(
      ([place, type, source, options], i) =>
        `${30 + i} ${i === 0 ? 1 : 30} 0:${i} / ${place} ${options} - ${type} ${source} ${options}\n`,
    )
    this.state.write('/proc/self/mountinfo', lines.join(''))
    for (const [place] of mounts) mkdirSync(this.state.path(place), { recursive: true })
  }

  #install(): void {
    for (const name of tools) this.addTool(`/sbin/${name}`)
    this.addTool('/usr/bin/wbinfo')
    this.mount(
      ['/', 'tmpfs', 'none', 'rw'],
      ['/share/CACHEDEV1_DATA', 'ext4', '/dev/mapper/cachedev1', 'rw'],
      ['/share/CACHEDEV2_DATA', 'ext4', '/dev/mapper/cachedev2', 'ro'],
      ['/share/external/DEV3301_1', 'fuseblk', '/dev/sdc1', 'rw'],
      ['/share/external/.nd', 'tmpfs', 'tmpfs', 'rw'],
    )
    // A volume that is locked: its folder, with nothing mounted on it.
    mkdirSync(this.state.path('/share/CE_CACHEDEV3_DATA'))
    mkdirSync(this.state.path('/share/CACHEDEV1_DATA/Public'))
    symlinkSync('CACHEDEV1_DATA/Public', this.state.path('/share/Public'))
    const write = (path: string, lines: string[]) => this.state.write(path, lines.map((line) => `${line}\n`).join(''))
    write('/etc/platform.conf', ['Platform = X86_APOLLOLAKE'])
    write('/etc/default_config/uLinux.conf', ['[System]', 'Version = 5.1.0', 'Build Number = 20230926'])
    write('/etc/config/qpkg.conf', [])
    write('/sys/class/net/eth0/address', ['24:5E:BE:00:11:22'])
    write('/etc/config/smb.conf', [
      ...['[global]', 'workgroup = NAS', 'path = /nowhere', ''],
      ...['[Public]', 'comment = System default share', 'path = /share/CACHEDEV1_DATA/Public', 'writable = yes', ''],
      ...['[Vault]', 'path = /share/CE_CACHEDEV3_DATA/Vault', 'browseable = no', 'read only = yes'],
    ])
    write('/etc/passwd', [
      'admin:x:0:0:administrator:/share/homes/admin:/bin/sh',
      'guest:x:65534:65534:guest:/tmp:/bin/sh',
      'httpdusr:x:99:0:Apache httpd user:/tmp:/bin/sh',
      'alice:x:1000:100:Linux User,,,:/share/homes/alice:/bin/sh',
    ])
    write('/etc/group', ['administrators:x:0:admin', 'everyone:x:100:admin,alice', 'guest:x:65534:'])
    const extra: NasExtra = {
      accounts: { ...nasAccounts },
      sessions: {},
      failures: {},
      banAfter: 5,
      secondStepName: 'need_2sv',
      volumes: {},
      volumeIndex: [
        { number: '1', mappingName: 'cachedev1', label: 'DataVol1', isEncrypted: false },
        { number: '2', mappingName: 'cachedev2', label: 'Archive', isEncrypted: true },
      ],
      isStrict: true,
      hangingTools: [],
      babblingTools: [],
    }
    this.state.keep(extra)
  }

  #writeSettings(): void {
    const { port, protocol } = new URL(this.baseUrl)
    const isSecure = protocol === 'https:'
    // Port 1 is one where nobody listens.
    const lines = ['[System]', 'Model = TS-X53D', 'Server Name = attic', `Web Access Port = ${isSecure ? 1 : port}`]
    const secure = ['[Stunnel]', `Enable = ${isSecure ? 1 : 0}`, ...(isSecure ? [`Port = ${port}`] : [])]
    this.state.write('/etc/config/uLinux.conf', [...lines, 'Time Zone = Asia/Taipei', ...secure, ''].join('\n'))
  }

  /** Puts a program in its place, which runs `nas-tools.sh` under the name it has. */
  addTool(path: string): void {
    const name = path.replace(/^.*\//, '')
    const program = join(import.meta.dirname, 'nas-tools.sh')
    const script = `#!/bin/sh\nexec /bin/sh '${program}' '${this.root}' ${name} "$@"\n`
    mkdirSync(join(this.state.path(path), '..'), { recursive: true })
    writeFileSync(this.state.path(path), script)
    chmodSync(this.state.path(path), 0o755)
  }
}
