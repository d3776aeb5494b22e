// The composition root: builds every part once, in ladder order, and mounts the routes.
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import express, { type Express, type Request, type RequestHandler, type Response, Router } from 'express'
import { session } from '../shared/account.ts'
import { camera, connectionTest, onvifProbe, streamSettings } from '../shared/camera.ts'
import { Failure } from '../shared/failure.ts'
import { logEntry } from '../shared/log.ts'
import { ban, certificate, networkStatus } from '../shared/network.ts'
import { pushMail, pushMessage } from '../shared/push.ts'
import { gap, timeline } from '../shared/recording.ts'
import { space } from '../shared/space.ts'
import { healthPoint, streamHealth } from '../shared/stream.ts'
import { systemStatus } from '../shared/system.ts'
import { buildAccounts } from './account/build-accounts.ts'
import { defaultLoginLimits, type LoginLimits } from './account/login-limit.ts'
import { mayDo } from './account/privilege-check.ts'
import { Bus } from './base/bus.ts'
import { type Clock, systemClock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { Scope } from './base/scope.ts'
import { Seal } from './base/seal.ts'
import { type CameraTests, cameraRoutes } from './camera/camera-routes.ts'
import { CameraService } from './camera/camera-service.ts'
import { CameraStore } from './camera/camera-store.ts'
import { wishForKeyframe } from './camera/keyframe-wish.ts'
import { ptzRoutes } from './camera/ptz-routes.ts'
import { PtzService } from './camera/ptz-service.ts'
import { authLoginRouter } from './compat/auth-login.ts'
import { SidSessions } from './compat/sid-sessions.ts'
import type { Config } from './config.ts'
import { Database } from './db/database.ts'
import { indexMigrations } from './db/index/migrations.ts'
import { SettingStore } from './db/setting-store.ts'
import { settingsMigrations } from './db/settings/migrations.ts'
import { chooseHost } from './host/choose-host.ts'
import type { Host } from './host/host.ts'
import { failureHandler } from './http/failure-handler.ts'
import { type Actor, actorOf, type PrivilegeCheck } from './http/guard.ts'
import { openApiOf } from './http/openapi.ts'
import { PushBoxes } from './http/push-box.ts'
import { pushRoutes } from './http/push-routes.ts'
import { PushHub } from './http/push-socket.ts'
import { mountRoutes, type Route } from './http/router.ts'
import { securityHeaders } from './http/security-headers.ts'
import { sessionMiddleware } from './http/session.ts'
import { UpgradeDispatch } from './http/upgrade.ts'
import { apiPages, desktopFiles } from './http/web-files.ts'
import { tellHost } from './log/host-log.ts'
import { logRoutes } from './log/log-routes.ts'
import { LogService } from './log/log-service.ts'
import { LogStore } from './log/log-store.ts'
import { buildNetwork, type NetworkParts } from './network/build-network.ts'
import { httpsRedirect, requireHttps } from './network/https-redirect.ts'
import { buildPictures } from './pictures.ts'
import { FootageRemovals } from './recording/footage-removals.ts'
import { HealthService } from './recording/health-service.ts'
import { HealthStore } from './recording/health-store.ts'
import { IndexThread } from './recording/index-thread.ts'
import { Reconciler } from './recording/reconciler.ts'
import type { RecorderLink } from './recording/recorder-link.ts'
import { RecorderConfigurator } from './recording/recorder-settings.ts'
import { recordingRoutes } from './recording/recording-routes.ts'
import { RecordingService } from './recording/recording-service.ts'
import { RecordingStore } from './recording/recording-store.ts'
import { removeSpaceFolders } from './space/space-removal.ts'
import { spaceRoutes } from './space/space-routes.ts'
import { SpaceService } from './space/space-service.ts'
import { SpaceStore } from './space/space-store.ts'
import { liveRoutes } from './stream/live-routes.ts'
import { maxLiveRequestBytes } from './stream/live-socket.ts'
import { LiveStreams } from './stream/live-stream.ts'
import { displayUrl } from './stream/source-address.ts'
import { configurationRoutes } from './system/configuration-routes.ts'
import { powerRoutes } from './system/power-routes.ts'
import { PowerService, type ServiceWish } from './system/power-service.ts'
import { removalRoutes } from './system/removal-routes.ts'
import { ServerZone } from './system/server-zone.ts'
import { setupRoutes } from './system/setup-routes.ts'
import { SetupService } from './system/setup-service.ts'
import { systemRoutes } from './system/system-routes.ts'
import { SystemService } from './system/system-service.ts'
import { version } from './version.ts'

export interface AppOptions {
  config: Config
  logger: Logger
  clock?: Clock
  /** The machine; found out where not given. */
  host?: Host
  /** Told when somebody wants this service restarted or stopped; without it nobody can. */
  onServiceWish?: (wish: ServiceWish) => void
  /** Tries of cameras, over the network. */
  tests: CameraTests
  /** The way to the recorder; without one nothing is recorded, and the alarms say so. */
  recorder?: RecorderLink
  loginLimits?: LoginLimits
  /** Delays between failed renewals of the certificate, in milliseconds. */
  renewalDelaysMs?: readonly number[]
  /** Whether every answer is checked against its schema: for tests. */
  checksAnswers?: boolean
}

export interface App {
  /** The address it answers at, base path and all: `http://127.0.0.1:8971/qvrpro/`. */
  url: string
  /** The same under TLS; undefined where HTTPS is off, or cannot be listened for. */
  httpsUrl: string | undefined
  /** The one-time password of the administrator, where the account was made at this start. */
  firstPassword: string | undefined
  routes: Route[]
  upgrades: UpgradeDispatch
  log: LogService
  /** Stops answering and lets go of everything. The recorder lives on. */
  close(): Promise<void>
}

/** Starts the server: opens the databases, makes what a first start makes, and listens. */
export async function startApp(options: AppOptions): Promise<App> {
  const scope = new Scope()
  try {
    return await build(options, scope)
  } catch (error) {
    await scope.close().catch(() => {})
    throw error
  }
}

async function build(options: AppOptions, scope: Scope): Promise<App> {
  const { config, logger, clock = systemClock } = options
  const host = options.host ?? (await chooseHost())
  const bus = new Bus(logger)
  const seal = Seal.open(join(config.dataDir, 'seal.key'))

  const { settings, index } = await openDatabases(config, logger)
  scope.add(() => index.close())
  scope.add(() => settings.close())

  const settingStore = new SettingStore(settings)
  const serverId = await settingStore.getOrMake('server-id', randomUUID)
  const sealedSecret = await settingStore.getOrMake('session-secret', () =>
    seal.seal(randomBytes(32).toString('base64'), 'session-secret'),
  )

  const log = new LogService({ store: new LogStore(settings), bus, clock, logger, keptEntries: config.logEntries })
  scope.add(() => log.close())
  scope.add(tellHost({ eventLog: host.eventLog, bus, clock, logger }))
  const network = await buildNetwork({
    config,
    host,
    database: settings,
    seal,
    isProxy: (address) => web.get('trust proxy fn')(address, 0),
    onGateChanged: () => {
      for (const one of [upgrades, boxes, streams]) one.endRefused((address) => network.gate.isOpenTo(address))
    },
    renewalDelaysMs: options.renewalDelaysMs,
    log,
    bus,
    clock,
    logger,
    scope,
  })
  const { accounts, sessions, sessionStore, passport, logins, ...account } = await buildAccounts({
    host,
    database: settings,
    seal,
    basePath: config.basePath,
    loginLimits: options.loginLimits ?? defaultLoginLimits,
    place: { ownNames: network.ownNames, isProxy: network.redirect.isProxy },
    log,
    bus,
    clock,
    logger,
    scope,
  })

  const recordings = new RecordingStore(index)
  const cameraStore = new CameraStore(settings)
  const spaces = new SpaceService({
    store: new SpaceStore(settings),
    host,
    camerasIn: (spaceId) => cameraStore.countInSpace(spaceId),
    serverId,
    folderNames: config.folderNames,
    log,
    bus,
    clock,
  })
  const removals = new FootageRemovals(settingStore, recordings)
  const cameras = new CameraService({
    store: cameraStore,
    seal,
    spaces,
    footage: removals,
    log,
    shownUrl: displayUrl,
    bus,
    clock,
  })

  const ptz = new PtzService({ cameras, log, bus, logger })
  scope.add(() => ptz.close())

  const push = new PushHub({ version, clock, bus })
  scope.add(() => push.close())
  const boxes = new PushBoxes(push)
  const health = new HealthService({ cameras, store: new HealthStore(index), push, clock, logger })
  scope.add(() => health.close())
  const thread = new IndexThread(index.place)
  scope.add(() => thread.close())
  index.onRecreated(() => void thread.close())
  const { recorder } = options
  const { flushSec, segmentSec } = config
  const recording = new RecordingService({
    index,
    store: recordings,
    thread,
    reconciler: new Reconciler({ index, store: recordings, cameras, spaces, removals, push, log, logger, serverId }),
    recorder,
    configurator:
      recorder &&
      new RecorderConfigurator({
        recorder,
        cameras,
        spaces,
        settings: settingStore,
        bus,
        logger,
        serverId,
        flushSec,
        segmentSec,
      }),
    health,
    cameras,
    spaces,
    removals,
    log,
    push,
    bus,
    clock,
    logger,
  })
  scope.add(() => recording.close())
  const zone = await ServerZone.open(settingStore, host.wallClock)
  const system = new SystemService({
    host,
    serverName: network.serverName,
    timeZone: () => zone.get(),
    version,
    serverId,
    database: config.settingsDatabase.kind,
    clock,
    recorder: () => recording.recorderStatus(),
  })
  scope.add(() => system.close())

  // On a NAS its own administrators log in.
  const firstPassword = host.kind === 'linux' ? await accounts.createFirst() : undefined
  await spaces.createFirst(config.volumePath, config.spaceBytes)
  const setup = await SetupService.open({
    settings: settingStore,
    zone,
    spaces: () => spaces.list(),
    mountPointOf: async (spaceId) => (await spaces.listStored()).find(({ id }) => id === spaceId)?.mountPoint ?? '/',
    cameraCount: async () => (await cameras.list()).filter((camera) => !camera.isRecovered).length,
    health: () => health.list(),
    mustChangePassword: async (accountId) => (await accounts.get(accountId))?.mustChangePassword ?? false,
    log,
    bus,
    clock,
    isDone: config.isSetupDone,
  })
  scope.add(() => setup.close())
  recorder?.onEvent(async (event) => {
    if (event.type !== 'occurrence' || event.name !== 'keyframe-wanted') return
    const { cameraId = '', stream = 1 } = event
    // Not waited for: the camera may be slow, and what the recorder tells next must not be.
    wishForKeyframe(cameras, logger, cameraId, stream).catch((error) => logger.warn({ err: error }, event.message))
  })
  await recording.start()

  // Roles and grants answer here later.
  const check: PrivilegeCheck = mayDo
  const pictures = await buildPictures<Actor>({
    dataDir: config.dataDir,
    store: recordings,
    spaces,
    cameras,
    health,
    recorder,
    mayWatch: (actor, cameraId) => check(actor, 'live.view', cameraId),
    bus,
    clock,
    logger,
    scope,
  })
  const endRecorder = async () => recorder?.shutdownRecorder()
  const power = new PowerService({
    host,
    endRecorder,
    onServiceWish: options.onServiceWish,
    log,
  })
  const streams = new LiveStreams(pictures.sockets)
  const routes: Route[] = [
    ...account.routes,
    ...cameraRoutes(cameras, options.tests),
    ...ptzRoutes(ptz),
    ...spaceRoutes(spaces, account.hostSessionOf),
    ...recordingRoutes(recording, health),
    ...pictures.routes,
    ...liveRoutes(streams),
    ...pushRoutes(boxes),
    ...logRoutes(log),
    ...network.routes,
    ...systemRoutes(system),
    ...powerRoutes({ power, ...account }),
    ...removalRoutes({
      ...account,
      serverName: network.serverName,
      endRecorder,
      removeFootage: async () => removeSpaceFolders(await spaces.listStored(), serverId),
      onServiceWish: options.onServiceWish,
      log,
    }),
    ...setupRoutes(setup),
    ...configurationRoutes({
      spaces: () => spaces.list(),
      cameras: () => cameras.list(),
      nowMs: () => Math.floor(clock.utcUs() / 1000),
    }),
  ]

  const authentication = [
    ...sessionMiddleware({
      store: sessionStore,
      secret: seal.unseal(sealedSecret, 'session-secret'),
      basePath: config.basePath,
      serverId,
      sessionHours: config.sessionHours,
      now: () => Math.floor(clock.utcUs() / 1000),
    }),
    passport.initialize(),
    passport.session(),
    sessions.middleware,
  ]
  const api = Router()
  api.use('/api', authentication)
  mountRoutes(api, routes, { check, checksAnswers: options.checksAnswers ?? false })
  const document = openApiOf(routes, { version, schemas: namedSchemas })
  api.use(
    '/api',
    apiPages(() => document),
  )
  api.use('/api', () => {
    throw new Failure('not-found', 'no such address in the API; see api/docs')
  })
  api.use(desktopFiles(config.desktopDir))
  // On a NAS that address is the NAS's own.
  const cgi =
    host.kind === 'linux' ? authLoginRouter({ logins, accounts, sids: new SidSessions(accounts, clock) }) : undefined
  const web = createWeb(config, network, api, cgi, logger)

  const expressRequest = (incoming: IncomingMessage): Request =>
    Object.assign(Object.setPrototypeOf(incoming, web.request), { app: web })
  const upgrades = new UpgradeDispatch({
    basePath: config.basePath,
    check,
    keepSession: (sessionId) => sessionStore.keep(sessionId, config.sessionHours * 3_600_000),
    logger,
    admit(incoming) {
      network.gate.admit(expressRequest(incoming).ip ?? '')
      requireHttps(incoming, network.redirect)
    },
    async authenticate(incoming, response) {
      const request = expressRequest(incoming)
      Object.assign(request, { res: response })
      Object.setPrototypeOf(response, web.response)
      for (const step of authentication) {
        await new Promise<void>((resolve, reject) => {
          step(request, response as Response, (error?: unknown) => (error ? reject(error) : resolve()))
        })
      }
      return { actor: actorOf(request), host: request.host, loginOrigin: request.session?.origin }
    },
  })
  upgrades.onUpgrade('api/push', 'live.view', 1024, (socket, actor) => push.accept(socket, actor))
  upgrades.onUpgrade('api/live', 'live.view', maxLiveRequestBytes, (socket, actor, request) =>
    pictures.sockets.accept(socket, actor, request.socket),
  )
  bus.on('session-ended', ({ sessionId }) => {
    for (const one of [upgrades, boxes, streams]) one.endSession(sessionId)
  })

  const listeners = await network.listen({ handle: web, onServer: (server) => upgrades.attach(server) })
  scope.add(() => {
    // A WebSocket is no connection of the server's any more, and yet the server waits for it to end.
    const closed = listeners.close()
    for (const one of [upgrades, boxes, streams]) one.close()
    return closed
  })
  const shownHost = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host
  const { httpPort, httpsPort } = listeners
  return {
    url: `http://${shownHost}:${httpPort}${config.basePath}`,
    httpsUrl: httpsPort === undefined ? undefined : `https://${shownHost}:${httpsPort}${config.basePath}`,
    firstPassword,
    routes,
    upgrades,
    log,
    close: () => scope.close(),
  }
}

/** Schemas that OpenAPI shows by name. */
const namedSchemas = {
  Camera: camera,
  StreamSettings: streamSettings,
  ConnectionTest: connectionTest,
  OnvifProbe: onvifProbe,
  StreamHealth: streamHealth,
  HealthPoint: healthPoint,
  Space: space,
  Timeline: timeline,
  Gap: gap,
  LogEntry: logEntry,
  NetworkStatus: networkStatus,
  Certificate: certificate,
  Ban: ban,
  Session: session,
  SystemStatus: systemStatus,
  PushMessage: pushMessage,
  PushMail: pushMail,
}

/** Opens both databases at their newest schema; makes them where they are missing. */
export async function openDatabases(config: Config, logger: Logger): Promise<{ settings: Database; index: Database }> {
  const settings = await Database.open({
    name: 'settings',
    place: config.settingsDatabase,
    migrations: settingsMigrations,
    durability: 'FULL',
    isRebuildable: false,
    logger,
  })
  try {
    const index = await Database.open({
      name: 'index',
      place: config.indexDatabase,
      migrations: indexMigrations,
      durability: 'NORMAL',
      leavesCheckpoints: true,
      isRebuildable: true,
      logger,
    })
    return { settings, index }
  } catch (error) {
    await settings.close()
    throw error
  }
}

/** The express application: the gate, headers for all, everything at the base path, failures at the end. */
function createWeb(
  config: Config,
  network: NetworkParts,
  api: Router,
  cgi: RequestHandler | undefined,
  logger: Logger,
): Express {
  const web = express()
  web.disable('x-powered-by')
  web.set('etag', false)
  web.set(
    'trust proxy',
    config.trustProxy.split(',').map((one) => one.trim()),
  )
  web.set('query parser', 'simple')
  // Headers first: a refusal of the gate has them too.
  web.use(securityHeaders(), network.acme.challengeStep(), network.gate.step(), httpsRedirect(network.redirect))
  const { basePath } = config
  const bare = basePath.slice(0, -1)
  web.use((request, response, next) => {
    // `/qvrpro` → `/qvrpro/`. Relative, so that it holds behind a proxy that adds a prefix.
    if (bare === '' || request.path !== bare) return next()
    const query = request.url.slice(request.path.length)
    response.redirect(308, `${bare.slice(bare.lastIndexOf('/') + 1)}/${query}`)
  })
  if (cgi !== undefined) web.use('/cgi-bin', cgi)
  web.use(basePath, api)
  web.use((_request, response) => {
    response.status(404).type('text').send(`Nothing is here. Nightjar is at ${basePath}\n`)
  })
  web.use(failureHandler(logger))
  return web
}
