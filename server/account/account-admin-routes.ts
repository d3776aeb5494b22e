// Accounts as administrators see them, the policy for passwords, and the logins that are open.
import { z } from 'zod'
import {
  type AccountView,
  account,
  accountDraft,
  accountPatch,
  accountPolicy,
  accountPolicyPatch,
  openSession,
  passwordReset,
} from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Actor } from '../http/guard.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountEditor } from './account-editor.ts'
import type { AccountPolicies } from './account-policy.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { SecondFactorService } from './second-factor-service.ts'
import type { SessionService } from './session-service.ts'

export interface AccountAdminRoutesOptions {
  accounts: AccountService
  editor: AccountEditor
  policies: AccountPolicies
  secondFactors: SecondFactorService
  sessions: SessionService
  log: LogService
}

const byId = z.object({ accountId: z.string().max(36) })
const bySession = z.object({ sessionId: z.string().max(16) })

export function accountAdminRoutes(options: AccountAdminRoutesOptions): Route[] {
  const { accounts, editor, policies, secondFactors, sessions } = options
  const view = async (one: Account): Promise<AccountView> => viewOf(one, await secondFactors.isOn(one.id))
  return [
    route(
      {
        method: 'get',
        path: 'api/accounts',
        answer: z.array(account),
        privilege: 'account.manage',
        summary: 'All accounts, in the order of their names.',
      },
      async () => {
        const on = await secondFactors.listOn()
        return (await accounts.list()).map((one) => viewOf(one, on.has(one.id)))
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/accounts',
        body: accountDraft,
        answer: account,
        status: 201,
        privilege: 'account.manage',
        summary: 'Makes an account.',
        description:
          'Fails `invalid` at `password` where the password policy forbids it, `conflict` at `username` where it is taken.',
      },
      async ({ actor, body }) => {
        const made = await editor.create(body, actor)
        note(options, actor, 'account-created', `made the account ${made.username}`, {
          isAdministrator: made.isAdministrator,
        })
        return view(made)
      },
    ),
    route(
      {
        method: 'patch',
        path: 'api/accounts/:accountId',
        params: byId,
        body: accountPatch,
        answer: account,
        privilege: 'account.manage',
        summary: 'Changes an account. One that is disabled is logged out at once.',
        description: 'Fails `conflict` where nobody would be left to administer, or it is the account `admin`.',
      },
      async ({ actor, params, body }) => {
        const { before, after } = await editor.update(params.accountId, body, actor)
        if (!after.isEnabled) await sessions.endAllOf(after.id)
        note(options, actor, 'account-updated', `changed the account ${after.username}`, changesOf(before, after))
        return view(after)
      },
    ),
    route(
      {
        method: 'delete',
        path: 'api/accounts/:accountId',
        params: byId,
        answer: nothing,
        privilege: 'account.manage',
        summary: 'Removes an account, and ends its sessions.',
        description:
          'Fails `conflict` for one’s own account, for `admin`, and where nobody would be left to administer.',
      },
      async ({ actor, params }) => {
        if (params.accountId === actor.accountId) throw new Failure('conflict', 'your own account cannot be removed')
        const removed = await editor.remove(params.accountId, actor)
        await sessions.endAllOf(removed.id)
        note(options, actor, 'account-removed', `removed the account ${removed.username}`)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/accounts/:accountId/password',
        params: byId,
        body: passwordReset,
        answer: nothing,
        privilege: 'account.manage',
        summary: 'Sets somebody’s password, and ends the sessions of the account but one’s own.',
        description: 'Fails `invalid` at `password` where the password policy forbids it.',
      },
      async ({ actor, params, body }) => {
        const changed = await editor.resetPassword(params.accountId, body.password, body.mustChangePassword, actor)
        await sessions.endAllOf(changed.id, actor.sessionId)
        note(options, actor, 'password-reset', `set the password of ${changed.username}`)
      },
    ),
    route(
      {
        method: 'delete',
        path: 'api/accounts/:accountId/second-factor',
        params: byId,
        answer: nothing,
        privilege: 'account.manage',
        summary: 'Turns somebody’s second step off, who has lost phone and recovery codes.',
      },
      async ({ actor, params }) => {
        const found = await accounts.get(params.accountId)
        if (found === undefined) throw new Failure('not-found', 'turn second step off: this account is there no more')
        await secondFactors.remove(found.id)
        note(options, actor, 'second-factor-changed', `turned the second step of ${found.username} off`)
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/account-policy',
        answer: accountPolicy,
        privilege: 'account.self',
        summary: 'What a password must be, and after how many idle minutes a session ends.',
      },
      async () => policies.get(),
    ),
    route(
      {
        method: 'patch',
        path: 'api/account-policy',
        body: accountPolicyPatch,
        answer: accountPolicy,
        privilege: 'account.manage',
        summary: 'Changes that. Passwords in use stay until they are changed, or are older than the policy allows.',
      },
      async ({ actor, body }) => {
        const before = policies.get()
        const given = Object.entries(body.password ?? {}).filter(([, value]) => value !== undefined)
        await policies.set({
          password: { ...before.password, ...Object.fromEntries(given) },
          idleMinutes: body.idleMinutes ?? before.idleMinutes,
        })
        note(options, actor, 'account-policy-updated', 'changed the password policy', { before, after: policies.get() })
        await sessions.endIdle()
        return policies.get()
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/sessions',
        answer: z.array(openSession),
        privilege: 'account.self',
        summary: 'Logins that are open: everybody’s for administrators, one’s own for others.',
      },
      async ({ actor }) => sessions.list(actor.sessionId, actor.isAdministrator ? undefined : actor.accountId),
    ),
    route(
      {
        method: 'delete',
        path: 'api/sessions/:sessionId',
        params: bySession,
        answer: nothing,
        privilege: 'account.self',
        summary: 'Ends a login, with its WebSockets: anybody’s for administrators, one’s own for others.',
        description: 'Fails `not-found` where it is open no more.',
      },
      async ({ actor, params }) => {
        await sessions.end(params.sessionId, actor.isAdministrator ? undefined : actor.accountId)
        note(options, actor, 'session-ended', 'ended a login')
      },
    ),
  ]
}

export function viewOf(one: Account, hasSecondFactor: boolean): AccountView {
  return {
    id: one.id,
    username: one.username,
    source: one.source,
    email: one.email,
    phone: one.phone,
    isAdministrator: one.isAdministrator,
    isEnabled: one.isEnabled,
    mustChangePassword: one.isChangeRequired || one.mustChangePassword,
    hasSecondFactor,
    createdMs: one.createdMs,
    passwordChangedMs: one.passwordChangedMs,
    ...(one.lastLoginMs === undefined ? {} : { lastLoginMs: one.lastLoginMs }),
  }
}

/** Old and new values of what was changed. */
function changesOf(before: Account, after: Account): Record<string, unknown> {
  const fields = ['email', 'phone', 'isAdministrator', 'isEnabled'] as const
  const changed = fields.filter((field) => before[field] !== after[field])
  return Object.fromEntries(changed.map((field) => [field, { before: before[field], after: after[field] }]))
}

function note(
  { log }: AccountAdminRoutesOptions,
  actor: Actor,
  name: string,
  what: string,
  detail?: Record<string, unknown>,
): void {
  log.record({
    kind: 'setting',
    level: 'info',
    name,
    message: `${actor.username} ${what}`,
    by: actor,
    ...(detail === undefined ? {} : { detail }),
  })
}
