// Where accounts are made and changed: here, or at the place that keeps them.
import type { AccountDraft, AccountPatch } from '../../shared/account.ts'
import type { Actor } from '../http/guard.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'

/** All fail as `AccountService` does; with `forbidden` or `unreachable` where another place would not have it. */
export interface AccountEditor {
  create(draft: AccountDraft, by: Actor): Promise<Account>
  update(id: string, patch: AccountPatch, by: Actor): Promise<{ before: Account; after: Account }>
  remove(id: string, by: Actor): Promise<Account>
  resetPassword(id: string, password: string, mustChange: boolean, by: Actor): Promise<Account>
  /** One's own. Fails `invalid` at `current` where that is not the password now. */
  changePassword(by: Actor, current: string, next: string): Promise<void>
  canChangePassword(account: Pick<Account, 'source'>): boolean
}

export function localEditor(accounts: AccountService): AccountEditor {
  return {
    create: (draft) => accounts.create(draft),
    update: (id, patch) => accounts.update(id, patch),
    remove: (id) => accounts.remove(id),
    resetPassword: (id, password, mustChange) => accounts.resetPassword(id, password, mustChange),
    changePassword: (by, current, next) => accounts.changePassword(by.accountId, current, next),
    canChangePassword: ({ source }) => source === 'local',
  }
}
