// The accounts of a Linux machine: they are listed, and changed by its own tools only.
import type { AccountPart, HostAccount, HostGroup } from '../account.ts'
import { membersOf, parseGroup, parsePasswd } from '../account-files.ts'
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'

const limitMs = 5000

/** People's accounts have these numbers (UID_MIN and UID_MAX of login.defs(5), as distributions set them). */
const [leastId, mostId] = [1000, 60_000]

/** Groups whose members may become root. */
const administratorGroups = new Set(['sudo', 'wheel', 'admin'])

export class LinuxAccounts implements AccountPart {
  readonly #files: MachineFiles

  constructor(files: MachineFiles) {
    this.#files = files
  }

  list(): Promise<Finding<HostAccount[]>> {
    return asFinding('list accounts', limitMs, async () => {
      const text = await this.#files.read('/etc/passwd')
      if (text === undefined) return lack('failed', 'list accounts: there is no /etc/passwd')
      const passwd = parsePasswd(text)
      const groups = parseGroup((await this.#files.read('/etc/group')) ?? '')
      const administrators = new Set(
        groups.filter(({ name }) => administratorGroups.has(name)).flatMap((group) => membersOf(group, passwd)),
      )
      const people = passwd.filter(({ id }) => id >= leastId && id <= mostId)
      return found(
        people.map(({ name, id, comment, shell }) => ({
          name,
          id,
          description: comment,
          email: '',
          isDomain: false,
          isAdministrator: administrators.has(name),
          isEnabled: !/\/(nologin|false)$/.test(shell),
        })),
      )
    })
  }

  listGroups(): Promise<Finding<HostGroup[]>> {
    return asFinding('list groups', limitMs, async () => {
      const text = await this.#files.read('/etc/group')
      if (text === undefined) return lack('failed', 'list groups: there is no /etc/group')
      const passwd = parsePasswd((await this.#files.read('/etc/passwd')) ?? '')
      const groups = parseGroup(text).filter(
        ({ id, name }) => (id >= leastId && id <= mostId) || administratorGroups.has(name),
      )
      return found(
        groups.map((group) => ({ name: group.name, id: group.id, isDomain: false, members: membersOf(group, passwd) })),
      )
    })
  }

  create = unavailable('create account')
  update = unavailable('change account')
  remove = unavailable('remove account')
  setPassword = unavailable('set password')
  changeOwnPassword = unavailable('change password')
  createGroup = unavailable('create group')
  removeGroup = unavailable('remove group')
  setMembers = unavailable('set members')
}

function unavailable(attempt: string): () => Promise<Finding<never>> {
  return async () => lack('not-available', `${attempt}: not available here; use the machine's own tools`)
}
