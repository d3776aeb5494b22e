// Builds all that decides who somebody is, in the order it leans on itself.
import type { Passport } from 'passport'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Scope } from '../base/scope.ts'
import type { Seal } from '../base/seal.ts'
import type { Database } from '../db/database.ts'
import { SettingStore } from '../db/setting-store.ts'
import type { Route } from '../http/router.ts'
import { SessionStore } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import { accountAdminRoutes } from './account-admin-routes.ts'
import { AccountPolicies } from './account-policy.ts'
import { accountRoutes } from './account-routes.ts'
import { AccountService } from './account-service.ts'
import { AccountStore } from './account-store.ts'
import { localSource } from './local-source.ts'
import { LoginLimit, type LoginLimits } from './login-limit.ts'
import { LoginService } from './login-service.ts'
import type { LoginSource } from './login-source.ts'
import { createPassport } from './passport.ts'
import { SecondFactorService } from './second-factor-service.ts'
import { SecondFactorStore } from './second-factor-store.ts'
import { SessionService } from './session-service.ts'

export interface AccountPartsOptions {
  database: Database
  seal: Seal
  basePath: string
  loginLimits: LoginLimits
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
  routes: Route[]
}

export async function buildAccounts(options: AccountPartsOptions): Promise<AccountParts> {
  const { database, seal, basePath, log, bus, clock, logger, scope } = options
  const policies = await AccountPolicies.open(new SettingStore(database))
  const accounts = new AccountService(new AccountStore(database), policies, clock)
  const secondFactors = new SecondFactorService({ store: new SecondFactorStore(database), seal, clock })
  const sessionStore = new SessionStore(database, logger)
  scope.add(() => sessionStore.stop())
  const sessions = new SessionService({ sessions: sessionStore, accounts, policies, log, bus, clock, logger })
  scope.add(() => sessions.close())

  const sources: LoginSource[] = [localSource(accounts)]
  const passport = createPassport(accounts, sources)
  const limit = new LoginLimit(options.loginLimits)
  const logins = new LoginService({ passport, sources, accounts, secondFactors, limit, log, bus })
  return {
    accounts,
    sessions,
    sessionStore,
    passport,
    logins,
    routes: [
      ...accountRoutes({ accounts, secondFactors, sessions, logins, limit, log, bus, clock, basePath }),
      ...accountAdminRoutes({ accounts, policies, secondFactors, sessions, log }),
    ],
  }
}
