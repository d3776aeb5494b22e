// The mirror of the NAS's accounts, and the log-in by way of the NAS's desktop.
import { session } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import { accountMirror, nasLogin, nasSignOn } from '../../shared/nas.ts'
import type { Clock } from '../base/clock.ts'
import { type Route, route } from '../http/router.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountEditor } from './account-editor.ts'
import { failureOf, sessionOf } from './account-routes.ts'
import type { NasMirror } from './nas-mirror.ts'
import type { NasSessions } from './nas-sessions.ts'
import type { NasSignOnService } from './nas-sign-on.ts'
import { openLogin } from './open-login.ts'

export interface NasRoutesOptions {
  mirror: NasMirror
  signOn: NasSignOnService
  sessions: NasSessions
  editor: AccountEditor
  log: LogService
  clock: Clock
  basePath: string
}

export function nasRoutes(options: NasRoutesOptions): Route[] {
  const { mirror, signOn, sessions, editor, log, clock, basePath } = options
  return [
    mirrorRoute(() => mirror.report()),
    route(
      {
        method: 'post',
        path: 'api/accounts/mirror',
        answer: accountMirror,
        privilege: 'account.manage',
        summary: 'Reads the accounts of the NAS now. That they could not be read is a finding, not a failure.',
      },
      () => mirror.run(),
    ),
    route(
      {
        method: 'post',
        path: 'api/login/nas',
        body: nasLogin,
        answer: session,
        privilege: 'public',
        summary: 'Logs in whoever is logged in at the desktop of the NAS in this browser, by its cookies.',
        description:
          'Fails `unauthenticated` where that is nobody, it is switched off, a page of another origin asks, or the person ' +
          'has just logged out and `isAsked` is not true; `rate-limited` and `unreachable` as a log-in does.',
      },
      async ({ request, response, body }) => {
        const outcome = await signOn.logIn(request, body.isAsked)
        if (outcome.kind === 'none') throw new Failure('unauthenticated', outcome.reason)
        if (outcome.kind !== 'passed') throw failureOf(outcome, response)
        await openLogin(request, outcome.account, { clock, basePath })
        sessions.keep(request.sessionID, outcome.session, outcome.isOpenedHere)
        return sessionOf(outcome.account, request, editor)
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/accounts/nas-sign-on',
        answer: nasSignOn,
        privilege: 'account.manage',
        summary: 'Whether who is logged in at the desktop of the NAS is logged in here too.',
      },
      () => signOn.get(),
    ),
    route(
      {
        method: 'put',
        path: 'api/accounts/nas-sign-on',
        body: nasSignOn,
        answer: nasSignOn,
        privilege: 'account.manage',
        summary: 'Sets that. Sessions that are open stay.',
      },
      async ({ actor, body }) => {
        await signOn.set(body)
        log.record({
          kind: 'setting',
          level: 'info',
          name: 'nas-sign-on-changed',
          message: `${actor.username} switched logging in by way of the NAS ${body.isOn ? 'on' : 'off'}`,
          by: actor,
        })
        return signOn.get()
      },
    ),
  ]
}

/** Where there is no NAS there is nothing to mirror, and the answer says so. */
export function mirrorRoute(report: () => ReturnType<NasMirror['report']>): Route {
  return route(
    {
      method: 'get',
      path: 'api/accounts/mirror',
      answer: accountMirror,
      privilege: 'account.manage',
      summary: 'What the last reading of the NAS’s accounts came to: when, what changed, what differs and why.',
    },
    report,
  )
}

export const noMirror: ReturnType<NasMirror['report']> = {
  ...{ isOn: false, isStateKnown: true },
  ...{ created: [], changed: [], removed: [], differences: [] },
}
