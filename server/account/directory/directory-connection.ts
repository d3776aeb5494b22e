// One conversation with a directory: reached, secured, bound.
import { isIP } from 'node:net'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { Client, InvalidCredentialsError } from 'ldapts'
import { Failure } from '../../../shared/failure.ts'

export interface ConnectionPlan {
  servers: string[]
  allowsPlain: boolean
  authorityPem: string
  timeoutMs: number
}

/** What was found on the way. */
export interface ConnectionFacts {
  server: string
  /** Of the server; undefined where the way is plain. */
  certificate: { subject: string; validToMs: number } | undefined
}

export interface DirectoryConnection {
  client: Client
  facts: ConnectionFacts
}

/**
 * Connects to the first server that answers, under TLS, and runs `task`; hangs up afterwards.
 *
 * Fails `unreachable` with what each server said, and `forbidden` where only a plain way is left and that is not allowed.
 */
export async function withDirectory<T>(
  plan: ConnectionPlan,
  task: (connection: DirectoryConnection) => Promise<T>,
): Promise<T> {
  const findings: string[] = []
  for (const server of plan.servers) {
    let connection: DirectoryConnection
    try {
      connection = await open(server, plan)
    } catch (error) {
      if (error instanceof Failure) throw error
      findings.push(`${server}: ${(error as Error).message}`)
      continue
    }
    try {
      return await task(connection)
    } finally {
      await connection.client.unbind().catch(() => undefined)
    }
  }
  throw new Failure('unreachable', findings.length === 0 ? 'no directory server is set' : findings.join('; '))
}

async function open(
  server: string,
  { allowsPlain, authorityPem, timeoutMs }: ConnectionPlan,
): Promise<DirectoryConnection> {
  const { hostname } = new URL(server)
  let certificate: PeerCertificate | undefined
  const trusted = authorityPem === '' ? {} : { ca: authorityPem }
  const tlsOptions = { ...trusted, ...(isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 ? {} : { servername: hostname }) }
  const client = new Client({
    ...{ url: server, timeout: timeoutMs, connectTimeout: timeoutMs, strictDN: false },
    // Given with ldap:// they would make it speak TLS at once.
    ...(server.startsWith('ldaps:') ? { tlsOptions } : {}),
    createSecureConnection: ((...options: Parameters<typeof connectTls>) => {
      const socket: TLSSocket = connectTls(...options)
      socket.once('secureConnect', () => {
        certificate = socket.getPeerCertificate()
      })
      return socket
    }) as typeof connectTls,
  })
  try {
    if (server.startsWith('ldap:')) await startTls(client, server, { ...tlsOptions, host: hostname }, allowsPlain)
    // The root entry is for everybody to read (RFC 4512 §5.1): it tells whether there is a directory at all.
    await client.search('', { scope: 'base', attributes: ['supportedLDAPVersion'] }).catch((error) => {
      if (!isAnswer(error)) throw error
    })
  } catch (error) {
    await client.unbind().catch(() => undefined)
    throw error
  }
  return {
    client,
    facts: {
      server,
      certificate: certificate && {
        subject: String(certificate.subject?.CN ?? certificate.subjectaltname ?? ''),
        validToMs: Date.parse(certificate.valid_to),
      },
    },
  }
}

async function startTls(client: Client, server: string, options: object, allowsPlain: boolean): Promise<void> {
  try {
    await client.startTLS(options)
  } catch (error) {
    // A wrong certificate is no reason to go on without any.
    if (!isAnswer(error)) throw error
    if (allowsPlain) return
    throw new Failure(
      'forbidden',
      `${server}: offers no StartTLS, and passwords are not sent unprotected: use ldaps://, or allow it`,
    )
  }
}

/** The server has said something by the protocol, if only that it does not want to. */
function isAnswer(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === 'number'
}

/** Binds. False where name or password are wrong; other refusals are thrown. */
export async function bind(client: Client, dn: string, password: string): Promise<boolean> {
  // A bind without a password is an anonymous one, and succeeds (RFC 4513 §5.1.2).
  if (password === '') return false
  try {
    await client.bind(dn, password)
    return true
  } catch (error) {
    if (error instanceof InvalidCredentialsError && refusalCodeOf(error) === undefined) return false
    throw error
  }
}

/** What Active Directory says beside "wrong", and only after a right password ([MS-ERREF] §2.2). */
const refusals: Record<string, 'disabled' | 'password-expired' | 'must-change' | 'account-expired' | 'hours'> = {
  '530': 'hours',
  '531': 'hours',
  '532': 'password-expired',
  '533': 'disabled',
  '701': 'account-expired',
  '773': 'must-change',
}

/** Why a right password was not enough; undefined where it was wrong, or nobody says. */
export function refusalCodeOf(error: unknown): (typeof refusals)[string] | undefined {
  const code = /\bdata ([0-9a-f]{3})\b/i.exec((error as Error).message ?? '')?.[1]
  // 775, locked out, is said of wrong passwords too: it would tell that there is such an account.
  return code === undefined ? undefined : refusals[code]
}
