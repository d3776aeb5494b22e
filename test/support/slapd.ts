// A real OpenLDAP server with people and groups in it, in a folder and on ports of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCertificate } from './certificates.ts'
import { makeTestFolder } from './test-folder.ts'

export const baseDn = 'dc=example,dc=org'
export const bindDn = `cn=reader,${baseDn}`
export const bindPassword = 'reader-secret'

export interface SlapdOptions {
  /** Lines of LDIF (RFC 2849) below `baseDn`, which is there already. */
  ldif: string
  /** Days from now at which its certificate ends. */
  certificateDays?: number
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export class Slapd {
  readonly ldap: string
  readonly ldaps: string
  /** PEM of the authority that its certificate is from. */
  readonly authorityPem: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ports: [number, number], authorityPem: string) {
    this.#child = child
    this.ldap = `ldap://localhost:${ports[0]}`
    this.ldaps = `ldaps://localhost:${ports[1]}`
    this.authorityPem = authorityPem
  }

  static async start({ ldif, certificateDays = 90 }: SlapdOptions): Promise<Slapd> {
    const folder = makeTestFolder()
    mkdirSync(join(folder, 'data'))
    const authority = await makeCertificate({ subject: 'Test authority', isAuthority: true })
    const own = await makeCertificate({ subject: 'localhost', by: authority, toDays: certificateDays, fromDays: -30 })
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
    write('ca.pem', authority.certificate)
    write('cert.pem', own.certificate)
    write('key.pem', own.key)
    write('slapd.conf', configuration(folder))
    write('people.ldif', root + ldif)
    execFileSync('/usr/sbin/slapadd', ['-q', '-f', join(folder, 'slapd.conf'), '-l', join(folder, 'people.ldif')])
    const ports: [number, number] = [await freePort(), await freePort()]
    const urls = `ldap://127.0.0.1:${ports[0]} ldaps://127.0.0.1:${ports[1]}`
    // -d 0 keeps it in the foreground.
    const child = spawn('/usr/sbin/slapd', ['-d', '0', '-h', urls, '-f', join(folder, 'slapd.conf')], {
      stdio: 'ignore',
    })
    const slapd = new Slapd(child, ports, authority.certificate)
    for (let tries = 0; tries < 100; tries++) {
      try {
        execFileSync('ldapsearch', ['-x', '-H', slapd.ldap, '-b', '', '-s', 'base'], { stdio: 'ignore' })
        return slapd
      } catch {
        await sleep(50)
      }
    }
    throw new Error('slapd did not answer within 5 s')
  }

  /** Changes what is in it, as LDIF. */
  modify(ldif: string): void {
    const who = ['-D', `cn=root,${baseDn}`, '-w', 'root-secret']
    execFileSync('ldapmodify', ['-x', '-H', this.ldap, ...who], { input: ldif, stdio: ['pipe', 'ignore', 'inherit'] })
  }

  /** Stops answering, and keeps its connections open. */
  hang(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** Only the reader may look people up, and 500 at once: more must be asked for in pages. */
function configuration(folder: string): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited
database mdb
maxsize 67108864
suffix "${baseDn}"
rootdn "cn=root,${baseDn}"
rootpw root-secret
directory ${folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${bindDn}" read by * none
`
}

const root = `dn: ${baseDn}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ${bindDn}
objectClass: person
cn: reader
sn: reader
userPassword: ${bindPassword}

dn: ou=people,${baseDn}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${baseDn}
objectClass: organizationalUnit
ou: groups

`

/** LDIF of a person. */
export function personLdif(
  uid: string,
  { password = `${uid}-secret`, mail = `${uid}@example.org`, cn = uid } = {},
): string {
  const value = (text: string) => `: ${Buffer.from(text).toString('base64')}`
  // The name may hold what separates names in a DN.
  const dn = `uid=${uid.replace(/[,+"\\<>;]/g, (sign) => `\\${sign}`)},ou=people,${baseDn}`
  const lines = [
    `uid:${value(uid)}`,
    `cn:${value(cn)}`,
    `sn:${value(cn)}`,
    `mail: ${mail}`,
    `userPassword: ${password}`,
  ]
  return `dn:${value(dn)}\nobjectClass: inetOrgPerson\n${lines.join('\n')}\n\n`
}

/** LDIF of a group; members by their whole names. */
export function groupLdif(cn: string, members: string[]): string {
  const lines = members.map((member) => `member: ${member}\n`).join('')
  return `dn: cn=${cn},ou=groups,${baseDn}\nobjectClass: groupOfNames\ncn: ${cn}\n${lines}\n`
}
