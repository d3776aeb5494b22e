// Pebble, the ACME server that Let's Encrypt tests clients with, on ports of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeCertificate } from '../../support/certificates.ts'
import { makeTestFolder } from '../../support/test-folder.ts'
import { askTls } from '../../support/tls-client.ts'

export class Pebble {
  readonly directoryUrl: string
  /** PEM file that its own TLS goes back to. */
  readonly caFile: string
  readonly #managementUrl: string
  readonly #configFile: string
  #child: ChildProcess | undefined

  private constructor(folder: string, port: number, managementPort: number) {
    this.directoryUrl = `https://localhost:${port}/dir`
    this.#managementUrl = `https://localhost:${managementPort}/`
    this.caFile = join(folder, 'ca.pem')
    this.#configFile = join(folder, 'pebble.json')
  }

  /** Not started yet. It will look for proofs at `httpPort`, whatever the name. */
  static async create(httpPort: number): Promise<Pebble> {
    const folder = makeTestFolder()
    const [port, managementPort] = [await freePort(), await freePort()]
    const root = await makeCertificate({ subject: 'Pebble Root', isAuthority: true })
    const own = await makeCertificate({ subject: 'localhost', by: root })
    const pebble = new Pebble(folder, port, managementPort)
    writeFileSync(pebble.caFile, root.certificate)
    writeFileSync(join(folder, 'own.pem'), own.certificate)
    writeFileSync(join(folder, 'own.key'), own.key)
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: join(folder, 'own.pem'),
      privateKey: join(folder, 'own.key'),
      httpPort,
      tlsPort: 1,
      certificateValidityPeriod: 90 * 86_400,
    }
    writeFileSync(pebble.#configFile, JSON.stringify({ pebble: config }))
    return pebble
  }

  async start(): Promise<void> {
    const child = spawn('pebble', ['-config', this.#configFile, '-strict', 'true'], {
      // One nonce in ten is refused, as on a bad day; proofs are looked for without the waits of a real authority.
      env: { PATH: process.env['PATH'], PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10', GODEBUG: 'netdns=go' },
      stdio: 'ignore',
    })
    this.#child = child
    while ((await askTls(this.directoryUrl).catch(() => undefined))?.status !== 200) {
      if (child.exitCode !== null) throw new Error(`pebble ended with status ${child.exitCode}`)
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }

  /** The root that its certificates go back to; another at each start. */
  async issuingRoot(): Promise<string> {
    return (await askTls<string>(new URL('roots/0', this.#managementUrl))).body
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
