// The NAS's accounts in our own table: read at each log-in and at intervals, so that who is gone there is gone here.
import type { AccountMirror } from '../../shared/nas.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { HostAccount, HostGroup } from '../host/account.ts'
import { type Finding, found, knownValue, lack } from '../host/finding.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { LogService } from '../log/log-service.ts'
import { type AccountService, displacedName, type MirroredAccount } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { NasGroupStore } from './nas-group-store.ts'
import type { NasSessions } from './nas-sessions.ts'

export interface NasMirrorOptions {
  host: Pick<Host, 'accounts'>
  accounts: AccountService
  groups: NasGroupStore
  sessions: NasSessions
  /** Ends all our sessions of an account. */
  endSessionsOf: (accountId: string) => Promise<void>
  /** Milliseconds between two readings. */
  intervalMs: number
  log: LogService
  clock: Clock
  logger: Logger
}

/** What one reading has changed so far. */
type Run = Pick<AccountMirror, 'created' | 'changed' | 'removed' | 'differences'>

export class NasMirror {
  readonly #options: NasMirrorOptions
  readonly #timer: NodeJS.Timeout
  #turn: Promise<unknown> = Promise.resolve()
  #report: AccountMirror = { isOn: true, isStateKnown: false, created: [], changed: [], removed: [], differences: [] }

  constructor(options: NasMirrorOptions) {
    this.#options = options
    this.#timer = setInterval(() => {
      this.run().catch((error) => options.logger.warn({ err: error }, 'the accounts of the NAS could not be mirrored'))
    }, options.intervalMs)
    this.#timer.unref()
  }

  report(): AccountMirror {
    return this.#report
  }

  /** The account of somebody whom the NAS has just let in, made or brought up to date. */
  admit(session: HostSession, mustChangePassword?: boolean): Promise<Account> {
    return this.#inTurn(async () => {
      const { accounts, host, groups } = this.#options
      const listed = knownValue(await host.accounts.list())
      const there = listed?.find(({ name }) => name.toLowerCase() === session.accountName.toLowerCase())
      const name = there?.name ?? session.accountName
      const namesake = await accounts.getByUsername(name)
      // Where the files of the NAS cannot be read, whoever had the name before is believed to have it still.
      const isUnread = listed === undefined && namesake?.source === 'nas'
      const sourceId = isUnread ? namesake.sourceId : sourceIdOf(there ?? { name, id: undefined })
      const known = await accounts.getBySource('nas', sourceId)
      const account = await this.#take(emptyRun(), {
        ...{ source: 'nas', sourceId, username: name, email: there?.email || known?.email || '' },
        ...{ isAdministrator: session.isAdministrator, isEnabled: true },
        ...(mustChangePassword === undefined ? {} : { mustChangePassword }),
      })
      const allGroups = knownValue(await host.accounts.listGroups())
      if (allGroups !== undefined) await groups.setGroups(account.id, groupsOf(name, allGroups))
      return account
    })
  }

  /** Reads all of them. What cannot be read is in the report, and changes nothing. */
  run(): Promise<AccountMirror> {
    return this.#inTurn(async () => {
      const { sessions, clock } = this.#options
      await sessions.dropEnded()
      const lastRunMs = Math.floor(clock.utcUs() / 1000)
      const run = emptyRun()
      const reading = await this.#read()
      if (!reading.isFound) {
        this.#report = { ...this.#report, ...run, lastRunMs, error: reading.reason }
        return this.#report
      }
      const { listed, groups, isStateKnown } = reading.value
      await this.#takeAll(run, listed, groups)
      await this.#dropGone(run, listed)
      const accountCount = (await this.#mirrored()).length
      this.#report = { isOn: true, lastRunMs, accountCount, isStateKnown, ...run }
      this.#note(run)
      return this.#report
    })
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#turn
  }

  /** With an administrator's session where there is one, else from the files of the NAS. */
  async #read(): Promise<Finding<{ listed: HostAccount[]; groups: HostGroup[]; isStateKnown: boolean }>> {
    const { host, sessions } = this.#options
    const session = sessions.administrator()
    const told = session === undefined ? undefined : await host.accounts.list(session)
    const listed = told?.isFound ? told : await host.accounts.list()
    if (!listed.isFound) return listed
    // A NAS always has its own administrator: a list without anybody was read while it was being written.
    const locals = listed.value.filter(({ isDomain }) => !isDomain)
    if (locals.length === 0) return lack('failed', 'list accounts: the NAS lists none of its own')
    const groups = await host.accounts.listGroups()
    if (!groups.isFound) return groups
    return found({ listed: listed.value, groups: groups.value, isStateKnown: told?.isFound === true })
  }

  /** A domain may have a hundred thousand accounts: those of a domain come with their first log-in. */
  async #takeAll(run: Run, listed: HostAccount[], groups: HostGroup[]): Promise<void> {
    const { accounts, groups: store, endSessionsOf } = this.#options
    for (const there of listed) {
      const known = await accounts.getBySource('nas', sourceIdOf(there))
      if (there.isDomain && known === undefined) continue
      const account = await this.#take(run, {
        source: 'nas',
        sourceId: sourceIdOf(there),
        username: there.name,
        email: there.email || known?.email || '',
        isAdministrator: there.isDomain ? known!.isAdministrator : there.isAdministrator,
        ...(there.isEnabled === undefined ? {} : { isEnabled: there.isEnabled }),
      })
      const hasOtherGroups = await store.setGroups(account.id, groupsOf(there.name, groups))
      if (known !== undefined && (hasOtherGroups || !isSame(known, account))) run.changed.push(account.username)
      if (!account.isEnabled) await endSessionsOf(account.id)
    }
  }

  async #dropGone(run: Run, listed: HostAccount[]): Promise<void> {
    const there = new Set(listed.map(sourceIdOf))
    // A domain that does not answer lists nobody.
    const isDomainKnown = listed.some(({ isDomain }) => isDomain)
    for (const account of await this.#mirrored()) {
      const isLocal = /^\d/.test(account.sourceId)
      if (there.has(account.sourceId) || (!isLocal && !isDomainKnown)) continue
      await this.#drop(run, account)
    }
  }

  /** Makes or updates one, after what stands in the way of its name was seen to. */
  async #take(run: Run, given: MirroredAccount): Promise<Account> {
    const { accounts } = this.#options
    const known = await accounts.getBySource('nas', given.sourceId)
    const namesake = await accounts.getByUsername(given.username)
    // The same name under another number: the account before was removed, and this is somebody else.
    if (namesake?.source === 'nas' && namesake.id !== known?.id) await this.#drop(run, namesake)
    const isTaken = namesake !== undefined && namesake.source !== 'nas'
    const username = isTaken ? displacedName(given) : given.username
    if (isTaken) {
      const finding = `the name is that of another account, kept by: ${namesake.source}; the NAS’s is shown as ${username}`
      run.differences.push({ username: given.username, finding })
    }
    const account = await accounts.mirror({ ...given, username })
    if (known === undefined) run.created.push(account.username)
    return account
  }

  async #drop(run: Run, account: Account): Promise<void> {
    await this.#options.endSessionsOf(account.id)
    await this.#options.accounts.dropMirrored(account.id)
    run.removed.push(account.username)
  }

  async #mirrored(): Promise<Account[]> {
    return (await this.#options.accounts.list()).filter(({ source }) => source === 'nas')
  }

  #note({ created, changed, removed }: Run): void {
    const parts = Object.entries({ new: created, changed, gone: removed }).filter(([, names]) => names.length > 0)
    if (parts.length === 0) return
    this.#options.log.record({
      kind: 'system',
      level: 'info',
      name: 'nas-accounts-changed',
      message: `accounts of the NAS: ${parts.map(([what, names]) => `${names.length} ${what}`).join(', ')}`,
      detail: { created, changed, removed },
    })
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/**
 * An account's number together with its name: either alone is given to somebody else once the account is removed. Those of
 * a domain have no number here.
 */
function sourceIdOf({ id, name }: Pick<HostAccount, 'id' | 'name'>): string {
  return id === undefined ? `domain ${name.toLowerCase()}` : `${id} ${name}`
}

function groupsOf(name: string, groups: HostGroup[]): string[] {
  return groups.filter(({ members }) => members.includes(name)).map((group) => group.name)
}

function isSame(before: Account, after: Account): boolean {
  const fields = ['username', 'email', 'isAdministrator', 'isEnabled'] as const
  return fields.every((field) => before[field] === after[field])
}

function emptyRun(): Run {
  return { created: [], changed: [], removed: [], differences: [] }
}
