// Accounts on a NAS: changed there, with the NAS session of the administrator who asks, and read back from there.
import type { AccountDraft, AccountPatch } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Finding, Lack } from '../host/finding.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { Actor } from '../http/guard.ts'
import type { AccountEditor } from './account-editor.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { NasMirror } from './nas-mirror.ts'
import type { NasSessions } from './nas-sessions.ts'

export interface NasEditorOptions {
  host: Pick<Host, 'accounts' | 'logins'>
  accounts: AccountService
  mirror: NasMirror
  sessions: NasSessions
}

const administrators = 'administrators'

/** Accounts that are not the NAS's are changed here: the administrator of `nightjar.sh reset-admin`. */
export class NasEditor implements AccountEditor {
  readonly #options: NasEditorOptions

  constructor(options: NasEditorOptions) {
    this.#options = options
  }

  canChangePassword({ source }: Pick<Account, 'source'>): boolean {
    return source === 'local' || source === 'nas'
  }

  /** What the NAS has done is read back even where a later step fails: it is there then. */
  async create(draft: AccountDraft, by: Actor): Promise<Account> {
    const { host, accounts, mirror } = this.#options
    const { username, password, email, phone, isAdministrator, mustChangePassword } = draft
    if (email !== '') throw keptThere('email')
    if ((await accounts.getByUsername(username)) !== undefined) {
      throw new Failure('conflict', `username: there is a user ${username} already`, { field: 'username' })
    }
    const session = this.#sessionOf(by)
    try {
      must(await host.accounts.create({ name: username, password, description: '' }, session), 'username')
      if (isAdministrator) await this.#setAdministrator(username, true, session)
    } finally {
      await mirror.run()
    }
    const made = await accounts.getByUsername(username)
    if (made === undefined) throw new Failure('unreachable', `create account ${username}: the NAS does not list it yet`)
    await accounts.update(made.id, { phone })
    return accounts.notePasswordSet(made.id, mustChangePassword)
  }

  async update(id: string, patch: AccountPatch, by: Actor): Promise<{ before: Account; after: Account }> {
    const { host, accounts, mirror } = this.#options
    const before = await this.#must(id, 'change account')
    if (before.source !== 'nas') return accounts.update(id, patch)
    const { email, phone, isAdministrator = before.isAdministrator, isEnabled = before.isEnabled } = patch
    if (email !== undefined && email !== before.email) throw keptThere('email')
    if (before.isAdministrator && before.isEnabled && !(isAdministrator && isEnabled)) {
      await accounts.mustNotBeLast(before, isAdministrator ? 'disabled' : 'no administrator any more')
    }
    if (isAdministrator !== before.isAdministrator || isEnabled !== before.isEnabled) {
      const session = this.#sessionOf(by)
      const name = nameThere(before)
      try {
        if (isAdministrator !== before.isAdministrator) await this.#setAdministrator(name, isAdministrator, session)
        if (isEnabled !== before.isEnabled) must(await host.accounts.update(name, { isEnabled }, session), 'isEnabled')
      } finally {
        await mirror.run()
      }
    }
    if (phone !== undefined) await accounts.update(id, { phone })
    return { before, after: await this.#must(id, 'change account') }
  }

  async remove(id: string, by: Actor): Promise<Account> {
    const { host, accounts, mirror } = this.#options
    const account = await this.#must(id, 'remove account')
    if (account.source !== 'nas') return accounts.remove(id)
    await accounts.mustNotBeLast(account, 'removed')
    must(await host.accounts.remove(nameThere(account), this.#sessionOf(by)))
    await mirror.run()
    return account
  }

  async resetPassword(id: string, password: string, mustChange: boolean, by: Actor): Promise<Account> {
    const { host, accounts } = this.#options
    const account = await this.#must(id, 'set password')
    if (account.source !== 'nas') return accounts.resetPassword(id, password, mustChange)
    must(await host.accounts.setPassword(nameThere(account), password, this.#sessionOf(by)), 'password')
    return accounts.notePasswordSet(id, mustChange)
  }

  async changePassword(by: Actor, current: string, next: string): Promise<void> {
    const { host, accounts, sessions } = this.#options
    const account = await this.#must(by.accountId, 'change password')
    if (account.source !== 'nas') return accounts.changePassword(by.accountId, current, next)
    if (next === current) throw new Failure('invalid', 'next: must not be the password now', { field: 'next' })
    const name = nameThere(account)
    const outcome = await host.logins.verify({ name, password: current, clientAddress: by.address })
    if (outcome.kind === 'wrong') {
      throw new Failure('invalid', 'current: is not the password now', { field: 'current' })
    }
    if (outcome.kind === 'unreachable') throw new Failure('unreachable', `change password: ${outcome.reason}`)
    if (outcome.kind === 'locked-out') throw new Failure('rate-limited', `change password: ${outcome.reason}`)
    // With a second step the password was right all the same; then the session of this log-in must do.
    const session = outcome.kind === 'passed' ? outcome.session : sessions.of(by.sessionId)
    try {
      if (session === undefined) throw new Failure('forbidden', logInAgain)
      must(await host.accounts.changeOwnPassword(name, current, next, session), 'next')
    } finally {
      if (outcome.kind === 'passed') sessions.end(outcome.session)
    }
    await accounts.notePasswordSet(account.id, false)
  }

  async #setAdministrator(name: string, isAdministrator: boolean, session: HostSession): Promise<void> {
    const { accounts } = this.#options.host
    const groups = must(await accounts.listGroups(session))
    const others = (groups.find((group) => group.name === administrators)?.members ?? []).filter((one) => one !== name)
    const members = isAdministrator ? [...others, name] : others
    must(await accounts.setMembers(administrators, members, session), 'isAdministrator')
  }

  /** Fails `forbidden` where the log-in of who asks has no session at the NAS, or not an administrator's. */
  #sessionOf(by: Actor): HostSession {
    const session = this.#options.sessions.of(by.sessionId)
    if (session === undefined) throw new Failure('forbidden', logInAgain)
    if (!session.isAdministrator) throw new Failure('forbidden', 'only an administrator of the NAS may do this')
    return session
  }

  async #must(id: string, attempt: string): Promise<Account> {
    const account = await this.#options.accounts.get(id)
    if (account === undefined) throw new Failure('not-found', `${attempt}: this account is there no more`)
    return account
  }
}

const logInAgain = 'the NAS knows this log-in no more: log out and in again with an account of the NAS'

/** What the NAS calls an account; here the name may stand behind `NAS+`, where another has it. */
function nameThere({ sourceId }: Account): string {
  return sourceId.slice(sourceId.indexOf(' ') + 1)
}

function keptThere(field: string): Failure {
  return new Failure('conflict', `${field}: is kept by the NAS: change it at the desktop of the NAS`, { field })
}

/** The value; a lack becomes a failure, at `field` where the NAS said no to what was given. */
function must<T>(finding: Finding<T>, field?: string): T {
  if (finding.isFound) return finding.value
  throw failureOf(finding, field)
}

function failureOf({ kind, reason }: Lack, field: string | undefined): Failure {
  if (kind === 'denied') return new Failure('forbidden', reason)
  if (kind === 'failed') return new Failure('unreachable', reason)
  return new Failure('conflict', reason, field === undefined ? {} : { field })
}
