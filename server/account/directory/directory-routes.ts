// The directory in the API: how it is set up, tried, and searched.
import { z } from 'zod'
import { account } from '../../../shared/account.ts'
import {
  directoryImport,
  directoryPatch,
  directoryPerson,
  directorySearch,
  directorySettings,
  directoryTest,
  directoryTestRequest,
} from '../../../shared/directory.ts'
import type { Actor } from '../../http/guard.ts'
import { type Route, route } from '../../http/router.ts'
import type { LogService } from '../../log/log-service.ts'
import { viewOf } from '../account-admin-routes.ts'
import type { DirectoryService } from './directory-service.ts'

export function directoryRoutes({ directory, log }: { directory: DirectoryService; log: LogService }): Route[] {
  const note = (actor: Actor, what: string) =>
    log.record({
      ...{ kind: 'setting', level: 'info', name: 'directory-changed', by: actor },
      message: `${actor.username} ${what}`,
    })
  return [
    route(
      {
        method: 'get',
        path: 'api/directory',
        answer: directorySettings,
        privilege: 'account.manage',
        summary: 'How the directory is set up. Its password is never told.',
      },
      async () => directory.get(),
    ),
    route(
      {
        method: 'patch',
        path: 'api/directory',
        body: directoryPatch,
        answer: directorySettings,
        privilege: 'account.manage',
        summary:
          'Changes what is given. A kept password is forgotten when the servers change and none is given with them.',
        description: 'Fails `invalid` where the directory is to be on and something it needs is missing.',
      },
      async ({ actor, body }) => {
        const next = await directory.set(body)
        note(actor, next.isOn ? 'changed how the directory is asked' : 'turned log-in by the directory off')
        return next
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/directory/test',
        body: directoryTestRequest,
        answer: directoryTest,
        privilege: 'account.manage',
        summary: 'Tries settings without keeping them, step by step, and looks for a person.',
      },
      ({ body }) => directory.test(body.settings, body.username),
    ),
    route(
      {
        method: 'get',
        path: 'api/directory/people',
        query: directorySearch,
        answer: z.array(directoryPerson),
        privilege: 'account.manage',
        summary: 'People of the directory whose name or mail begins so, 200 at most.',
        description: 'Fails `conflict` where no directory is set up, `unreachable` where it does not answer.',
      },
      ({ query }) => directory.people(query.search),
    ),
    route(
      {
        method: 'post',
        path: 'api/directory/import',
        body: directoryImport,
        answer: z.array(account),
        privilege: 'account.manage',
        summary: 'Makes accounts of people who have not logged in yet.',
        description:
          'Fails `not-found` at `ids` for one nobody has, `conflict` where a name is taken by another account.',
      },
      async ({ actor, body }) => {
        const made = await directory.import(body.ids)
        note(actor, `took in from the directory: ${made.map(({ username }) => username).join(', ')}`)
        return made.map((one) => viewOf(one, false))
      },
    ),
  ]
}
