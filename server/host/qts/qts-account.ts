// Changes of the NAS's accounts and groups: asked of QTS's programs, and believed when they can be seen.
import {
  type AccountChange,
  type AccountDraft,
  type AccountPart,
  checkAccountName,
  checkDescription,
  checkGroupName,
  checkPassword,
  type HostAccount,
  type HostGroup,
} from '../account.ts'
import { type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import { iniFlag } from '../ini-file.ts'
import type { LoginPart } from '../login.ts'
import { isSameName, type QtsDirectory } from './qts-directory.ts'
import type { QtsHttp } from './qts-http.ts'
import { readBack } from './read-back.ts'
import { firstOf, textOf, type XmlElement } from './xml.ts'

const requestPath = '/cgi-bin/priv/privRequest.cgi'
const wizardPath = '/cgi-bin/priv/privWizard.cgi'
const createPath = '/cgi-bin/wizReq.cgi'

export interface QtsAccountsParts {
  directory: QtsDirectory
  http: QtsHttp
  logins: LoginPart
  /** How long a change is looked for, in milliseconds. */
  patienceMs: number
}

export class QtsAccounts implements AccountPart {
  readonly #parts: QtsAccountsParts

  constructor(parts: QtsAccountsParts) {
    this.#parts = parts
  }

  list(session?: HostSession): Promise<Finding<HostAccount[]>> {
    return this.#parts.directory.listAccounts(session)
  }

  listGroups(): Promise<Finding<HostGroup[]>> {
    return this.#parts.directory.listGroups()
  }

  async create({ name, password, description }: AccountDraft, session?: HostSession): Promise<Finding<HostAccount>> {
    checkAccountName(name)
    checkPassword(password)
    checkDescription(description)
    const attempt = `create account ${name}`
    const taken = await this.#parts.directory.isTaken('account', name)
    if (!taken.isFound) return taken
    const before = await this.#find(name, session)
    if (!before.isFound) return before
    if (taken.value || before.value !== undefined) return lack('refused', `${attempt}: there is one of that name`)
    const answer = await this.#parts.http.postAs(session, createPath, {
      ...{ wiz_func: 'user_create', action: 'add_user', gp_len: '1', gp0: 'everyone', create_priv: '0' },
      ...{ a_username: name, a_passwd: base64(password), a_description: description },
    })
    if (!answer.isFound) return answer
    const account = await this.#readBack(attempt, () => this.#find(name, session))
    if (!account.isFound) return account
    const proof = await this.#provePassword(attempt, name, password)
    return proof.isFound ? account : proof
  }

  async update(name: string, change: AccountChange, session?: HostSession): Promise<Finding<HostAccount>> {
    checkAccountName(name)
    if (change.description !== undefined) checkDescription(change.description)
    const attempt = `change account ${name}`
    const info = await this.#userInfo(name, session)
    if (!info.isFound) return info
    const { description = textOf(info.value, 'description'), isEnabled = isEnabledIn(info.value) } = change
    const answer = await this.#parts.http.postAs(session, wizardPath, {
      ...{ wiz_func: 'user_edit', action: 'account_edit', username: name, a_uid: textOf(info.value, 'uid') },
      ...{ a_description: description, a_enable: isEnabled ? '1' : '0', a_expire: '0' },
      ...(hasExpiry(info.value) ? expiryFields(info.value) : {}),
    })
    if (!answer.isFound) return answer
    return this.#readBack(attempt, async () => {
      const now = await this.#userInfo(name, session)
      if (!now.isFound) return now
      const isChanged = textOf(now.value, 'description') === description && isEnabledIn(now.value) === isEnabled
      const account = isChanged ? await this.#find(name, session) : found(undefined)
      return account.isFound && account.value ? found({ ...account.value, description, isEnabled }) : account
    })
  }

  async remove(name: string, session?: HostSession): Promise<Finding<undefined>> {
    checkAccountName(name)
    const attempt = `remove account ${name}`
    const before = await this.#find(name, session)
    if (!before.isFound) return before
    if (before.value === undefined) return lack('refused', `${attempt}: there is no such account`)
    const answer = await this.#parts.http.postAs(session, requestPath, {
      ...{ subfunc: 'user', apply: '1', fork_del: '1', del_cnt: '1', delete_userhome: '0' },
      user_list: before.value.name,
    })
    if (!answer.isFound) return answer
    return this.#readTrue(attempt, async () => {
      const account = await this.#find(name, session)
      return account.isFound ? found(account.value === undefined) : account
    })
  }

  async setPassword(name: string, password: string, session?: HostSession): Promise<Finding<undefined>> {
    checkAccountName(name)
    checkPassword(password)
    return this.#passPassword(
      `set password of ${name}`,
      name,
      password,
      { need_check: 'no', old_password: '' },
      session,
    )
  }

  async changeOwnPassword(
    name: string,
    current: string,
    next: string,
    session: HostSession,
  ): Promise<Finding<undefined>> {
    checkAccountName(name)
    checkPassword(next)
    const proof = { need_check: 'yes', old_password: base64(current) }
    return this.#passPassword(`change password of ${name}`, name, next, proof, session)
  }

  async #passPassword(
    attempt: string,
    name: string,
    password: string,
    proof: Record<string, string>,
    session: HostSession | undefined,
  ): Promise<Finding<undefined>> {
    const answer = await this.#parts.http.postAs(session, wizardPath, {
      ...{ wiz_func: 'user_password_edit', action: 'user_password_edit', ...proof },
      ...{ username: name, password: base64(password) },
    })
    if (!answer.isFound) return answer
    const [check, change] = ['passwordCheck', 'passwordChange'].map((element) => textOf(answer.value, element))
    if (check !== '0' || change !== '0') return lack('refused', `${attempt}: QTS does not take it`)
    return this.#provePassword(attempt, name, password)
  }

  async createGroup(name: string, session?: HostSession): Promise<Finding<undefined>> {
    checkGroupName(name)
    const attempt = `create group ${name}`
    const { http, directory } = this.#parts
    const taken = await directory.isTaken('group', name)
    if (!taken.isFound) return taken
    const before = await directory.hasGroup(name, session)
    if (!before.isFound) return before
    if (taken.value || before.value) return lack('refused', `${attempt}: there is one of that name`)
    const fields = { wiz_func: 'user_group_create', action: 'add_group', new_groupname: name }
    const answer = await http.postAs(session, createPath, fields)
    if (!answer.isFound) return answer
    return this.#readTrue(attempt, () => directory.hasGroup(name, session))
  }

  async removeGroup(name: string, session?: HostSession): Promise<Finding<undefined>> {
    checkGroupName(name)
    const attempt = `remove group ${name}`
    const { http, directory } = this.#parts
    const before = await directory.hasGroup(name, session)
    if (!before.isFound) return before
    if (!before.value) return lack('refused', `${attempt}: there is no such group`)
    const fields = { subfunc: 'group', apply: '1', del_cnt: '1', group_list: name }
    const answer = await http.postAs(session, requestPath, fields)
    if (!answer.isFound) return answer
    return this.#readTrue(attempt, async () => {
      const group = await directory.hasGroup(name, session)
      return group.isFound ? found(!group.value) : group
    })
  }

  async setMembers(group: string, members: string[], session?: HostSession): Promise<Finding<undefined>> {
    checkGroupName(group, 'group')
    for (const [i, member] of members.entries()) checkAccountName(member, `members.${i}`)
    const before = await this.#members(group, session)
    if (!before.isFound) return before
    const added = members.filter((name) => !hasName(before.value, name))
    const dropped = before.value.filter((name) => !hasName(members, name))
    const answer = await this.#parts.http.postAs(session, wizardPath, {
      ...{ wiz_func: 'group_user_edit', action: 'group_user_edit', groupName: group },
      ...numbered('select_user', added),
      ...numbered('unselect_user', dropped),
    })
    if (!answer.isFound) return answer
    return this.#readTrue(`set members of ${group}`, async () => {
      const now = await this.#members(group, session)
      if (!now.isFound) return now
      return found(now.value.length === new Set(members).size && members.every((name) => hasName(now.value, name)))
    })
  }

  #find(name: string, session: HostSession | undefined): Promise<Finding<HostAccount | undefined>> {
    return this.#parts.directory.findAccount(name, session)
  }

  async #userInfo(name: string, session: HostSession | undefined): Promise<Finding<XmlElement>> {
    const answer = await this.#parts.http.postAs(session, wizardPath, { wiz_func: 'user_edit', userName: name })
    if (!answer.isFound) return answer
    const info = firstOf(answer.value, 'userInfo')
    const isThere = info !== undefined && isSameName(textOf(info, 'username'), name)
    return isThere ? found(info) : lack('refused', `read account ${name}: there is no such account`)
  }

  async #members(group: string, session: HostSession | undefined): Promise<Finding<string[]>> {
    const fields = { wiz_func: 'group_user_edit', groupName: group }
    const answer = await this.#parts.http.postAs(session, wizardPath, fields)
    if (!answer.isFound) return answer
    const own = firstOf(answer.value, 'ownUser')
    if (own === undefined) return lack('refused', `read members of ${group}: QTS lists none of such a group`)
    return found(own.text.split(',').flatMap((name) => name.trim() || []))
  }

  /** A password cannot be read back: a login tells, whatever else may keep the account from coming in. */
  async #provePassword(attempt: string, name: string, password: string): Promise<Finding<undefined>> {
    const outcome = await this.#parts.logins.verify({ name, password, clientAddress: '127.0.0.1' })
    if (outcome.kind === 'passed') await this.#parts.logins.end(outcome.session)
    if (outcome.kind === 'wrong') return lack('failed', `${attempt}: QTS agreed, but the password does not log in`)
    if (outcome.kind === 'unreachable') return lack('failed', `${attempt}: not proved: ${outcome.reason}`)
    return found(undefined)
  }

  #readBack<T>(attempt: string, look: () => Promise<Finding<T | undefined>>): Promise<Finding<T>> {
    return readBack(attempt, this.#parts.patienceMs, look)
  }

  async #readTrue(attempt: string, look: () => Promise<Finding<boolean>>): Promise<Finding<undefined>> {
    const seen = await this.#readBack(attempt, async () => {
      const state = await look()
      return state.isFound ? found(state.value || undefined) : state
    })
    return seen.isFound ? found(undefined) : seen
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

function isEnabledIn(info: XmlElement): boolean {
  return iniFlag(textOf(info, 'chk_disable')) !== true
}

function hasExpiry(info: XmlElement): boolean {
  return Number(textOf(info, 'year')) > 0
}

/** An account's last day is kept by sending it again. */
function expiryFields(info: XmlElement): Record<string, string> {
  return {
    a_expire: '1',
    ...Object.fromEntries(['year', 'month', 'day'].map((part) => [part, textOf(info, part)])),
  }
}

function hasName(names: string[], name: string): boolean {
  return names.some((one) => isSameName(one, name))
}

/** A list as QTS's forms send it: `x_len`, then `x0`, `x1` … */
function numbered(key: string, names: string[]): Record<string, string> {
  return { [`${key}_len`]: String(names.length), ...Object.fromEntries(names.map((name, i) => [`${key}${i}`, name])) }
}
