// A real domain controller of Active Directory (Samba), on an address of its own within this machine.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCertificate } from './certificates.ts'
import { makeTestFolder } from './test-folder.ts'

const address = '127.0.0.77'
export const domainDn = 'DC=example,DC=test'
export const administratorPassword = 'Passw0rd!x'

export class DomainController {
  readonly ldap = `ldap://${address}`
  readonly ldaps = `ldaps://${address}`
  authorityPem = ''
  readonly #folder = makeTestFolder()
  #child: ChildProcess | undefined

  static async start(): Promise<DomainController> {
    const controller = new DomainController()
    await controller.#provision()
    controller.#child = spawn(
      'samba',
      ['-i', '-M', 'single', `--configfile=${controller.#configuration}`, '--debuglevel=0'],
      {
        stdio: 'ignore',
      },
    )
    await controller.#untilItAnswers()
    return controller
  }

  /** Runs samba-tool on its database. */
  tool(...args: string[]): void {
    execFileSync('samba-tool', [...args, `--configfile=${this.#configuration}`], { stdio: 'pipe' })
  }

  async stop(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  get #configuration(): string {
    return join(this.#folder, 'etc/smb.conf')
  }

  async #provision(): Promise<void> {
    const authority = await makeCertificate({ subject: 'Test authority', isAuthority: true })
    const own = await makeCertificate({
      subject: 'dc1.example.test',
      names: [address],
      by: authority,
      keys: 'RSA-2048',
    })
    this.authorityPem = authority.certificate
    const files = { ca: authority.certificate, cert: own.certificate, key: own.key }
    // It refuses a key that others may read.
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(this.#folder, `${name}.pem`), text, { mode: 0o600 })
    const options = [
      ...['bind interfaces only=yes', `interfaces=${address}/8`, 'server services=ldap,cldap,kdc,winbindd'],
      ...['tls enabled=yes', `tls cafile=${this.#folder}/ca.pem`, `tls certfile=${this.#folder}/cert.pem`],
      ...[
        `tls keyfile=${this.#folder}/key.pem`,
        `pid directory=${this.#folder}`,
        `lock directory=${this.#folder}/lock`,
      ],
    ].map((one) => `--option=${one}`)
    const domain = ['--realm=EXAMPLE.TEST', '--domain=EXAMPLE', '--host-name=dc1', `--host-ip=${address}`]
    execFileSync(
      'samba-tool',
      ['domain', 'provision', `--targetdir=${this.#folder}`, ...domain, '--server-role=dc', '--dns-backend=NONE']
        .concat(`--adminpass=${administratorPassword}`)
        .concat(options),
      { stdio: 'pipe' },
    )
  }

  async #untilItAnswers(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      const socket = connect(636, address)
      // `once` fails with the socket's error.
      const isThere = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      if (isThere) return
      await sleep(100)
    }
    throw new Error('samba did not answer within 30 s')
  }
}
