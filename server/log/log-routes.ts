import { z } from 'zod'
import { logEntry, logQuery } from '../../shared/log.ts'
import { type Route, route } from '../http/router.ts'
import type { LogService } from './log-service.ts'

export function logRoutes(log: LogService): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/logs',
        query: logQuery,
        answer: z.array(logEntry),
        privilege: 'log.view',
        summary:
          'The durable log, newest first, by kind, level, time, camera and text; the next page is `before` its last id.',
      },
      ({ query }) => log.list(query),
    ),
  ]
}
