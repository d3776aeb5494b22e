import { z } from 'zod'
import { pushMail } from '../../shared/push.ts'
import type { PushBoxes } from './push-box.ts'
import { JsonBytes, type Route, route } from './router.ts'

export function pushRoutes(boxes: PushBoxes): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/push/poll',
        query: z.object({
          box: z.uuid().optional(),
          after: z
            .string()
            .regex(/^\d{1,15}$/, 'must be a whole number from 0')
            .transform(Number)
            .optional(),
        }),
        answer: pushMail,
        privilege: 'live.view',
        summary: 'What the push tells, by long poll: for pages that no WebSocket reaches.',
        description:
          'Answers at once where there are messages past `after`, else when there are, and after 25 s with none. ' +
          'Without `box`, or with one that is there no more, a new one is made, which begins with `hello`. The log-out ' +
          'of the session is told, and ends the box.',
      },
      async ({ actor, query, response }) => {
        const gone = new AbortController()
        response.once('close', () => gone.abort())
        const { box, last, messages } = await boxes.collect(actor, query.box, query.after ?? 0, gone.signal)
        return new JsonBytes(Buffer.from(`{"box":"${box}","last":${last},"messages":[${messages.join(',')}]}`))
      },
    ),
  ]
}
