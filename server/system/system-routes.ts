import { systemStatus } from '../../shared/system.ts'
import { type Route, route } from '../http/router.ts'
import type { SystemService } from './system-service.ts'

export function systemRoutes(system: SystemService): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/system/status',
        answer: systemStatus,
        privilege: 'system.view',
        summary: 'How the server and its recorder are.',
      },
      () => system.status(),
    ),
  ]
}
