// Builds what the NAS decides of accounts, where there is one.
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Scope } from '../base/scope.ts'
import type { Database } from '../db/database.ts'
import type { Host } from '../host/host.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import { NasEditor } from './nas-editor.ts'
import { NasGroupStore } from './nas-group-store.ts'
import { NasMirror } from './nas-mirror.ts'
import { NasSessions } from './nas-sessions.ts'

export interface NasPartsOptions {
  host: Host
  database: Database
  accounts: AccountService
  endSessionsOf: (accountId: string) => Promise<void>
  /** Milliseconds between two readings of the NAS's accounts. */
  intervalMs: number
  log: LogService
  bus: Bus
  clock: Clock
  logger: Logger
  scope: Scope
}

export interface NasParts {
  sessions: NasSessions
  mirror: NasMirror
  editor: NasEditor
}

export function buildNas(options: NasPartsOptions): NasParts {
  const { host, database, accounts, bus, scope } = options
  const sessions = new NasSessions(host.logins, bus)
  scope.add(() => sessions.close())
  const mirror = new NasMirror({ ...options, groups: new NasGroupStore(database), sessions })
  scope.add(() => mirror.close())
  return { sessions, mirror, editor: new NasEditor({ host, accounts, mirror, sessions }) }
}
