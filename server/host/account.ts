// The machine's own accounts and groups.
import { Failure } from '../../shared/failure.ts'
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'

export interface HostAccount {
  /** With its domain where it is not the machine's own: `DOMAIN+user`. */
  name: string
  /** The machine's number of it; undefined for accounts of a domain. */
  id: number | undefined
  description: string
  email: string
  isDomain: boolean
  isAdministrator: boolean
  /** Undefined where the machine does not tell without an administrator's session. */
  isEnabled: boolean | undefined
}

export interface HostGroup {
  name: string
  id: number | undefined
  isDomain: boolean
  /** Names of accounts; those of a domain's group are not listed. */
  members: string[]
}

export interface AccountDraft {
  name: string
  password: string
  description: string
}

/** `undefined` leaves a field as it is. */
export interface AccountChange {
  description?: string | undefined
  isEnabled?: boolean | undefined
}

/**
 * Changes need an administrator's `session` (denied without one), and are believed only once they were read back.
 *
 * Fails `invalid`, with the field, for a name or password no machine takes.
 */
export interface AccountPart {
  /** Accounts of people: those the system keeps for its services are left out. */
  list(session?: HostSession): Promise<Finding<HostAccount[]>>
  listGroups(session?: HostSession): Promise<Finding<HostGroup[]>>
  create(draft: AccountDraft, session?: HostSession): Promise<Finding<HostAccount>>
  update(name: string, change: AccountChange, session?: HostSession): Promise<Finding<HostAccount>>
  remove(name: string, session?: HostSession): Promise<Finding<undefined>>
  setPassword(name: string, password: string, session?: HostSession): Promise<Finding<undefined>>
  /** By the account's own `session`; `current` is the password now, asked for again by the machine. */
  changeOwnPassword(name: string, current: string, next: string, session: HostSession): Promise<Finding<undefined>>
  createGroup(name: string, session?: HostSession): Promise<Finding<undefined>>
  removeGroup(name: string, session?: HostSession): Promise<Finding<undefined>>
  /** Makes `members` the group's members, no more and no fewer. */
  setMembers(group: string, members: string[], session?: HostSession): Promise<Finding<undefined>>
}

export const maxAccountNameLength = 32
export const maxGroupNameLength = 128
export const maxPasswordLength = 64

/** Fails `invalid` for a name no account can have. `field` is said in the failure. */
export function checkAccountName(name: string, field = 'name'): void {
  checkName(name, field, maxAccountNameLength)
}

export function checkGroupName(name: string, field = 'name'): void {
  checkName(name, field, maxGroupNameLength)
}

/** Fails `invalid` for a password no account can have. The message never holds it. */
export function checkPassword(password: string): void {
  if (password.length < 1 || password.length > maxPasswordLength || /[\x00-\x1f]/.test(password)) {
    const limit = `must be 1 to ${maxPasswordLength} characters on one line`
    throw new Failure('invalid', `password: ${limit}`, { field: 'password' })
  }
}

export function checkDescription(description: string): void {
  if (description.length > 128 || /[\x00-\x1f]/.test(description)) {
    throw new Failure('invalid', 'description: must be one line of 128 characters or fewer', { field: 'description' })
  }
}

function checkName(name: string, field: string, maxLength: number): void {
  if (name.length < 1 || name.length > maxLength || name.trim() !== name || name.startsWith('-')) {
    const limit = `must be 1 to ${maxLength} characters, not begin with -, not begin or end with a space`
    throw new Failure('invalid', `${field}: ${limit}`, { field })
  }
  if (/["/\\[\]:;|=,+*?<>`'\x00-\x1f]/.test(name)) {
    throw new Failure('invalid', `${field}: must hold none of " / \\ [ ] : ; | = , + * ? < > \` '`, { field })
  }
}
