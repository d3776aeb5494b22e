// Who may do what, until grants and roles tell more exactly: administrators everything, others what everybody may.
import { everyonesPrivileges, type Privilege, privileges } from '../../shared/privilege.ts'
import type { Actor } from '../http/guard.ts'

/** What an account may do; with a password that must be changed first, that alone. */
export function privilegesOf(account: { isAdministrator: boolean; isPasswordExpired: boolean }): readonly Privilege[] {
  if (account.isPasswordExpired) return ['account.self']
  return account.isAdministrator ? privileges : everyonesPrivileges
}

export function mayDo(actor: Actor, privilege: Privilege): boolean {
  return privilegesOf(actor).includes(privilege)
}
