// Builds all that decides how the server is reached, in the order it leans on itself.
import { Failure } from '../../shared/failure.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Scope } from '../base/scope.ts'
import type { Seal } from '../base/seal.ts'
import type { Database } from '../db/database.ts'
import { SettingStore } from '../db/setting-store.ts'
import { knownValue } from '../host/finding.ts'
import type { Host } from '../host/host.ts'
import type { Route } from '../http/router.ts'
import type { LogService } from '../log/log-service.ts'
import { AccessService } from './access-service.ts'
import { AcmeAuthority } from './acme.ts'
import { AddressGate } from './address-gate.ts'
import { BanService } from './ban-service.ts'
import { BanStore } from './ban-store.ts'
import { CertificateRenewal } from './certificate-renewal.ts'
import { certificateRoutes } from './certificate-routes.ts'
import { CertificateService } from './certificate-service.ts'
import { CertificateStore } from './certificate-store.ts'
import type { RedirectOptions } from './https-redirect.ts'
import { networkRoutes } from './network-routes.ts'
import { type NetworkDefaults, NetworkService } from './network-service.ts'
import { machineNames } from './self-signed.ts'
import { type WebHandler, WebListeners } from './web-listeners.ts'

export interface NetworkPartsOptions {
  config: NetworkDefaults & { host: string; acmeUrl: string; acmeCaFile: string }
  database: Database
  host: Pick<Host, 'kind' | 'identity'>
  seal: Seal
  /** Whether an address is a trusted proxy's. */
  isProxy: (address: string) => boolean
  /** Called after a change of who may connect: open sockets are to be looked through. */
  onGateChanged: () => void
  /** Delays between failed renewals, in milliseconds; for tests. */
  renewalDelaysMs?: readonly number[] | undefined
  log: LogService
  bus: Bus
  clock: Clock
  logger: Logger
  scope: Scope
}

export interface NetworkParts {
  routes: Route[]
  serverName: () => string
  gate: AddressGate
  acme: AcmeAuthority
  redirect: RedirectOptions
  /** Names and addresses this server goes by: of its certificate, of the machine, of its settings. */
  ownNames: () => Promise<string[]>
  /** Listens, once everything that answers is there; gives the listeners, which the caller closes. */
  listen(handler: WebHandler): Promise<WebListeners>
}

export async function buildNetwork(options: NetworkPartsOptions): Promise<NetworkParts> {
  const { config, database, seal, isProxy, onGateChanged: onChanged, log, bus, clock, logger, scope } = options
  const settings = new SettingStore(database)
  const access = new AccessService({ settings, log, onChanged })
  const store = new BanStore(database)
  const bans = new BanService({ store, settings, isProxy, log, clock, logger, onChanged })
  await access.load()
  await bans.load()
  scope.add(bus.on('login-failed', ({ address }) => bans.noteFailedLogin(address)))

  const listeners = new WebListeners({ host: config.host, logger })
  const acme = new AcmeAuthority({ directoryUrl: config.acmeUrl, caFile: config.acmeCaFile, settings, seal })
  const certificates = new CertificateService({
    store: new CertificateStore(database, seal),
    acme,
    serverName: () => network.serverName,
    log,
    clock,
    onChanged: (tls) => listeners.setTls(tls),
  })
  // Where the NAS has TLS and its own web server stands before us, ports and certificate are the NAS's.
  const isKeptByNas = options.host.kind === 'qts' && config.httpsPort === undefined
  const machineName = knownValue((await options.host.identity.get()).name)
  const network = new NetworkService({
    defaults: config,
    isKeptByNas,
    machineName,
    settings,
    certificates,
    listeners,
    log,
    logger,
  })
  await network.load()
  const renewal = new CertificateRenewal({
    certificates,
    log,
    clock,
    logger,
    ...(options.renewalDelaysMs === undefined ? {} : { delaysMs: options.renewalDelaysMs }),
  })
  scope.add(() => renewal.close())

  return {
    routes: [
      ...networkRoutes({ network, access, bans }),
      ...certificateRoutes(certificates).map((one) => (isKeptByNas ? leftToNas(one) : one)),
    ],
    serverName: () => network.serverName,
    gate: new AddressGate(access, bans),
    acme,
    redirect: { forcedPort: () => network.forcedPort, isProxy },
    async ownNames() {
      // Where TLS is a proxy's there is no certificate here, and asking for it would make one.
      const certified = config.httpsPort === undefined ? [] : (await certificates.get()).names
      return [...certified, ...machineNames(network.serverName)]
    },
    async listen(handler) {
      listeners.serve(handler)
      await network.listen()
      // Where TLS is a proxy's, so is its certificate.
      if (config.httpsPort !== undefined) await renewal.start()
      return listeners
    },
  }
}

/** A route that says who keeps what it would change. */
function leftToNas(one: Route): Route {
  if (one.spec.method === 'get') return one
  return {
    ...one,
    async handle() {
      throw new Failure(
        'conflict',
        'the NAS keeps the certificate: change it in the Control Panel of QTS, under Security',
      )
    },
  }
}
