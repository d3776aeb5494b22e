import type { Response } from 'express'
import { powerRequest } from '../../shared/power.ts'
import type { HostSession } from '../host/host-session.ts'
import type { Actor } from '../http/guard.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { PowerService } from './power-service.ts'

export interface PowerRoutesOptions {
  power: PowerService
  /** Fails where the password is not the actor's own. */
  confirmPassword: (actor: Actor, password: string, response: Response) => Promise<void>
  /** What the actor's log-in opened at the machine. */
  hostSessionOf: (sessionId: string) => HostSession | undefined
}

export function powerRoutes({ power, confirmPassword, hostSessionOf }: PowerRoutesOptions): Route[] {
  return [
    route(
      {
        method: 'post',
        path: 'api/system/power',
        body: powerRequest,
        answer: nothing,
        privilege: 'system.manage',
        summary:
          'Restarts or shuts down the machine, or restarts or stops the service. The recorder closes its files first.',
        description:
          'Fails `invalid` at `password` where it is wrong, `rate-limited` as a log-in does; `conflict` where this machine ' +
          'has no such thing or another wish is under way, `forbidden` or `unreachable` where the machine says no. Who ' +
          'asked and why is logged.',
      },
      async ({ actor, body, response }) => {
        await confirmPassword(actor, body.password, response)
        const finish = await power.apply(body.action, body.reason, actor, hostSessionOf(actor.sessionId))
        response.on('finish', finish)
      },
    ),
  ]
}
