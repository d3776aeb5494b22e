// Who has an account at the NAS: read from its files by itself, from its programs with an administrator's session.
import type { HostAccount, HostGroup } from '../account.ts'
import { membersOf, type PasswdEntry, parseGroup, parsePasswd } from '../account-files.ts'
import { asFinding, type Finding, found, knownValue, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import { iniFlag } from '../ini-file.ts'
import type { MachineFiles } from '../machine-files.ts'
import type { ToolRunner } from '../tool-runner.ts'
import type { QtsHttp } from './qts-http.ts'
import { childrenOf, firstOf, textOf, type XmlElement } from './xml.ts'

const limitMs = 10_000
/** How many are asked for at once, and at most in all. */
const pageSize = 500
const maxListed = 10_000

/** Accounts QTS keeps for its services have numbers between the administrator's and people's. */
const leastPersonId = 500
const nobodyId = 65_534

export class QtsDirectory {
  readonly #files: MachineFiles
  readonly #tools: ToolRunner
  readonly #http: QtsHttp

  constructor(files: MachineFiles, tools: ToolRunner, http: QtsHttp) {
    this.#files = files
    this.#tools = tools
    this.#http = http
  }

  /** The NAS's own first, then those of a domain, where it has joined one. */
  async listAccounts(session?: HostSession): Promise<Finding<HostAccount[]>> {
    const local = await this.#localAccounts()
    if (!local.isFound) return local
    const told = session === undefined ? undefined : await this.#ask('user', session)
    if (told?.isFound === false) return told
    const rows = new Map(told?.value.map((row) => [textOf(row, 'username'), row]))
    const accounts = local.value.map((account) => withRow(account, rows.get(account.name)))
    return found([...accounts, ...(await this.#domainNames('-u')).map(domainAccount)])
  }

  async listGroups(): Promise<Finding<HostGroup[]>> {
    const local = await this.#localGroups()
    if (!local.isFound) return local
    const domain = (await this.#domainNames('-g')).map((name) => ({ name, id: undefined, isDomain: true, members: [] }))
    return found([...local.value, ...domain])
  }

  /** The account QTS itself lists under this name now, for reading back: the files may lag. */
  async findAccount(name: string, session: HostSession | undefined): Promise<Finding<HostAccount | undefined>> {
    const rows = await this.#ask('user', session, name)
    if (!rows.isFound) return rows
    const row = rows.value.find((one) => isSameName(textOf(one, 'username'), name))
    if (row === undefined) return found(undefined)
    const groups = knownValue(await this.#localGroups()) ?? []
    const isAdministrator = groups.some((group) => group.id === 0 && group.members.includes(textOf(row, 'username')))
    const blank = { description: '', email: '', isDomain: false, isEnabled: undefined }
    return found(withRow({ ...blank, name: textOf(row, 'username'), id: undefined, isAdministrator }, row))
  }

  /** Whether the files have an account or a group of this name, whatever its capitals: QTS's own search may mind them. */
  async isTaken(what: 'account' | 'group', name: string): Promise<Finding<boolean>> {
    const listed: Finding<{ name: string }[]> = await (what === 'account' ? this.#localAccounts() : this.#localGroups())
    return listed.isFound ? found(listed.value.some((one) => isSameName(one.name, name))) : listed
  }

  async hasGroup(name: string, session: HostSession | undefined): Promise<Finding<boolean>> {
    const rows = await this.#ask('group', session, name)
    return rows.isFound ? found(rows.value.some((row) => isSameName(textOf(row, 'groupname'), name))) : rows
  }

  #localAccounts(): Promise<Finding<HostAccount[]>> {
    return asFinding('list accounts', limitMs, async () => {
      const [passwd, groups] = [await this.#passwd(), await this.#localGroups()]
      if (!groups.isFound) return groups
      const administrators = new Set(groups.value.find(({ id }) => id === 0)?.members)
      const people = passwd.filter(({ id }) => id === 0 || (id >= leastPersonId && id !== nobodyId))
      return found(
        people.map(({ name, id, comment }) => ({
          name,
          id,
          description: comment,
          email: '',
          isDomain: false,
          isAdministrator: administrators.has(name),
          isEnabled: undefined,
        })),
      )
    })
  }

  #localGroups(): Promise<Finding<HostGroup[]>> {
    return asFinding('list groups', limitMs, async () => {
      const text = await this.#files.read('/etc/group')
      if (text === undefined) return lack('failed', 'list groups: there is no /etc/group')
      const passwd = await this.#passwd()
      const groups = parseGroup(text).filter(({ id }) => id !== nobodyId)
      // First groups are no membership at QTS: everybody's is "everyone", and the built-in administrator's is 0 even
      // where it was taken out of the administrators.
      return found(
        groups.map((group) => ({
          name: group.name,
          id: group.id,
          isDomain: false,
          members: group.id === 0 ? [...group.members].sort() : membersOf(group, passwd),
        })),
      )
    })
  }

  async #passwd(): Promise<PasswdEntry[]> {
    return parsePasswd((await this.#files.read('/etc/passwd')) ?? '')
  }

  /** Names from winbind; none where the NAS has joined no domain or the domain does not answer. */
  async #domainNames(option: '-u' | '-g'): Promise<string[]> {
    const answer = await this.#tools.text('wbinfo', [option])
    const lines = knownValue(answer)?.split('\n') ?? []
    return lines.map((line) => line.trim()).filter((line) => /[\\+]/.test(line))
  }

  /** All rows of a list, page by page. */
  async #ask(what: 'user' | 'group', session: HostSession | undefined, filter = ''): Promise<Finding<XmlElement[]>> {
    const rows = new Map<string, XmlElement>()
    for (let lower = 0; lower < maxListed; lower += pageSize) {
      const answer = await this.#http.postAs(session, '/cgi-bin/priv/privRequest.cgi', {
        ...{ subfunc: what, getdata: '1', sort: '13', type: '0', refresh: '0', filter },
        ...{ lower: String(lower), upper: String(lower + pageSize) },
      })
      if (!answer.isFound) return answer
      const root = firstOf(answer.value, `${what}root`)
      if (root === undefined) return lack('failed', `list ${what}s: no ${what}root in QTS's answer`)
      const before = rows.size
      for (const row of childrenOf(root, 'data', what)) rows.set(textOf(row, `${what}name`), row)
      // Firmwares that know no pages give all of them each time: then nothing is new.
      if (rows.size === before || rows.size >= Number(textOf(root, 'count'))) break
    }
    return found([...rows.values()])
  }
}

/** Two names that differ by capitals alone are one to QTS. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function withRow(account: HostAccount, row: XmlElement | undefined): HostAccount {
  if (row === undefined) return account
  const id = textOf(row, 'userid')
  return {
    ...account,
    id: /^\d+$/.test(id) ? Number(id) : account.id,
    description: textOf(row, 'description') || account.description,
    email: textOf(row, 'email') || account.email,
    isEnabled: iniFlag(textOf(row, 'user_enable')),
  }
}

function domainAccount(name: string): HostAccount {
  const unknown = { id: undefined, description: '', email: '', isEnabled: undefined }
  return { ...unknown, name, isDomain: true, isAdministrator: false }
}
