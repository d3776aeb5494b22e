// Builds all that decides who somebody is, in the order it leans on itself.
import type { Response } from 'express'
import type { Passport } from 'passport'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Scope } from '../base/scope.ts'
import type { Seal } from '../base/seal.ts'
import type { Database } from '../db/database.ts'
import { SettingStore } from '../db/setting-store.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { Actor } from '../http/guard.ts'
import type { Route } from '../http/router.ts'
import { SessionStore } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import { accountAdminRoutes } from './account-admin-routes.ts'
import { localEditor } from './account-editor.ts'
import { AccountPolicies } from './account-policy.ts'
import { accountRoutes, mustBeOwn } from './account-routes.ts'
import { AccountService, administratorName } from './account-service.ts'
import { AccountStore } from './account-store.ts'
import { buildNas } from './build-nas.ts'
import { directoryRoutes } from './directory/directory-routes.ts'
import { DirectoryService } from './directory/directory-service.ts'
import { localSource } from './local-source.ts'
import { LoginLimit, type LoginLimits } from './login-limit.ts'
import { LoginService } from './login-service.ts'
import type { LoginSource } from './login-source.ts'
import { mirrorRoute, nasRoutes, noMirror } from './nas-routes.ts'
import { NasSignOnService } from './nas-sign-on.ts'
import { fallbackSource, nasSource } from './nas-source.ts'
import { openidRoutes } from './openid/openid-routes.ts'
import { OpenidService } from './openid/openid-service.ts'
import type { PlaceOptions } from './passkey-place.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { PasskeyService } from './passkey-service.ts'
import { PasskeyStore } from './passkey-store.ts'
import { createPassport } from './passport.ts'
import { SecondFactorService } from './second-factor-service.ts'
import { SecondFactorStore } from './second-factor-store.ts'
import { SessionService } from './session-service.ts'

/** Milliseconds between two readings of the NAS's accounts: for so long, at most, somebody removed there stays logged in. */
const mirrorMs = 60_000

export interface AccountPartsOptions {
  host: Host
  database: Database
  seal: Seal
  basePath: string
  loginLimits: LoginLimits
  /** What this server is called, for passkeys. */
  place: PlaceOptions
  log: LogService
  bus: Bus
  clock: Clock
  logger: Logger
  scope: Scope
}

export interface AccountParts {
  accounts: AccountService
  sessions: SessionService
  sessionStore: SessionStore
  passport: InstanceType<typeof Passport>
  logins: LoginService
  /** Fails `invalid` at `password` where it is not the actor's own. */
  confirmPassword: (actor: Actor, password: string, response: Response) => Promise<void>
  /** What a log-in opened at the machine, by the id of its session here. */
  hostSessionOf: (sessionId: string) => HostSession | undefined
  routes: Route[]
}

export async function buildAccounts(options: AccountPartsOptions): Promise<AccountParts> {
  const { host, database, seal, basePath, log, bus, clock, logger, scope } = options
  const settings = new SettingStore(database)
  const policies = await AccountPolicies.open(settings)
  const accounts = new AccountService(new AccountStore(database), policies, clock)
  const secondFactors = new SecondFactorService({ store: new SecondFactorStore(database), seal, clock })
  const sessionStore = new SessionStore(database, logger)
  scope.add(() => sessionStore.stop())
  const sessions = new SessionService({ sessions: sessionStore, accounts, policies, log, bus, clock, logger })
  scope.add(() => sessions.close())

  const nas =
    host.kind === 'linux'
      ? undefined
      : buildNas({
          ...{ host, database, accounts, intervalMs: mirrorMs, log, bus, clock, logger, scope },
          endSessionsOf: (accountId) => sessions.endAllOf(accountId),
        })
  if (nas !== undefined) {
    // What was kept here before the NAS was asked logs in no more.
    const others = (await accounts.list()).filter((one) => one.source === 'local' && one.username !== administratorName)
    for (const { id } of others) await sessions.endAllOf(id)
    nas.mirror.run().catch((error) => logger.warn({ err: error }, 'the accounts of the NAS could not be mirrored'))
  }
  const directory = await DirectoryService.open({
    ...{ settings, seal, accounts, logger },
    endSessionsOf: (accountId) => sessions.endAllOf(accountId),
  })
  scope.add(() => directory.close())
  const openid = await OpenidService.open({ settings, seal, accounts, clock })
  const sources: LoginSource[] = [
    ...(nas === undefined
      ? [localSource(accounts)]
      : [fallbackSource(accounts), nasSource({ host, accounts, mirror: nas.mirror })]),
    directory,
  ]
  const passport = createPassport(accounts, sources)
  const limit = new LoginLimit(options.loginLimits)
  const logins = new LoginService({
    ...{ passport, sources, accounts, secondFactors, limit, log, bus },
    endHostSession: (session) => nas?.sessions.end(session),
  })
  const editor = nas?.editor ?? localEditor(accounts)
  const signOn = nas && new NasSignOnService({ host, settings, accounts, mirror: nas.mirror, limit, logins, clock })
  const confirmPassword: AccountParts['confirmPassword'] = (actor, password, response) =>
    mustBeOwn({ accounts, logins, limit }, actor, password, response)
  const passkeys = new PasskeyService({
    ...{ store: new PasskeyStore(database), accounts, logins, limit, log, bus, clock },
    // Of a directory and of an OpenID provider nobody here knows whether they still let somebody in.
    admits: ({ source, username }) =>
      nas === undefined
        ? source === 'local'
        : source === 'nas' || (source === 'local' && username === administratorName),
  })
  return {
    accounts,
    sessions,
    sessionStore,
    passport,
    logins,
    confirmPassword,
    hostSessionOf: (sessionId) => nas?.sessions.of(sessionId),
    routes: [
      ...accountRoutes({
        ...{ accounts, editor, secondFactors, sessions, logins, limit, log, bus, clock, basePath },
        onLoggedIn: (sessionId, session) => session && nas?.sessions.keep(sessionId, session, true),
        onLoggingOut: (request) => signOn?.noteLogOut(request),
      }),
      ...(nas === undefined || signOn === undefined
        ? [mirrorRoute(() => noMirror)]
        : nasRoutes({ ...nas, signOn, log, clock, basePath })),
      ...passkeyRoutes({
        ...{ passkeys, place: options.place, accounts, editor, confirmPassword, log, clock, basePath },
      }),
      ...directoryRoutes({ directory, log }),
      ...openidRoutes({ openid, accounts, logins, basePath, log, bus, clock }),
      ...accountAdminRoutes({ accounts, editor, policies, secondFactors, sessions, log }),
    ],
  }
}
