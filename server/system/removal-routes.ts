// "Remove all data": what uninstalling alone leaves, for it keeps settings and footage.
import type { Response } from 'express'
import { Failure } from '../../shared/failure.ts'
import { type RemovedSpace, removalReport, removalRequest } from '../../shared/removal.ts'
import type { Actor } from '../http/guard.ts'
import { type Route, route } from '../http/router.ts'
import type { LogService } from '../log/log-service.ts'
import type { ServiceWish } from './power-service.ts'

export interface RemovalRoutesOptions {
  serverName: () => string
  confirmPassword: (actor: Actor, password: string, response: Response) => Promise<void>
  /** Ends the recorder, so that nobody writes to what goes. */
  endRecorder: () => Promise<void>
  removeFootage: () => Promise<RemovedSpace[]>
  onServiceWish: ((wish: ServiceWish) => void) | undefined
  log: LogService
}

export function removalRoutes(options: RemovalRoutesOptions): Route[] {
  const { serverName, confirmPassword, endRecorder, removeFootage, onServiceWish, log } = options
  return [
    route(
      {
        method: 'post',
        path: 'api/system/removal',
        body: removalRequest,
        answer: removalReport,
        privilege: 'system.manage',
        summary:
          'Removes all footage, then, once this is answered, settings, accounts and index; and the service ends.',
        description:
          'Only folders with the marker of this server go; the answer tells each, and why one was left alone. Fails ' +
          '`invalid` at `serverName` or `password` where that is not it, `rate-limited` as a log-in does, `conflict` where ' +
          'nobody could end the service.',
      },
      async ({ actor, body, response }) => {
        if (body.serverName !== serverName()) {
          throw new Failure('invalid', 'serverName: is not the name of this server', { field: 'serverName' })
        }
        await confirmPassword(actor, body.password, response)
        if (onServiceWish === undefined) throw new Failure('conflict', 'remove all data: nobody would end this process')
        log.record({
          ...{ kind: 'deletion', level: 'warning', name: 'data-removed', by: actor },
          message: `${actor.username} removes all data: footage, settings, accounts and index`,
        })
        await log.flush()
        await endRecorder()
        const spaces = await removeFootage()
        response.on('finish', () => onServiceWish('remove-data'))
        return { spaces }
      },
    ),
  ]
}
