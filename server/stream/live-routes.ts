import { z } from 'zod'
import { liveRequests } from '../../shared/live.ts'
import { mediaRoute, nothing, type Route, route } from '../http/router.ts'
import type { LiveStreams } from './live-stream.ts'

/** Live view over plain HTTP. The WebSocket stands apart, in live-socket.ts. */
export function liveRoutes(streams: LiveStreams): Route[] {
  return [
    mediaRoute(
      {
        method: 'get',
        path: 'api/live/stream',
        answer: { contentTypes: ['application/octet-stream'] },
        privilege: 'live.view',
        summary: 'Live pictures and sound where no WebSocket passes: the frames that `api/live` sends, without end.',
        description:
          '`X-Live-Stream` names the stream, for `POST api/live/streams/:streamId`. It ends with its session, and where ' +
          'its viewer has posted nothing for a minute. Fails `limit` where the session has eight open.',
      },
      ({ actor, response }) => streams.open(actor, response),
    ),
    route(
      {
        method: 'post',
        path: 'api/live/streams/:streamId',
        params: z.object({ streamId: z.uuid() }),
        body: liveRequests,
        answer: nothing,
        privilege: 'live.view',
        summary: 'What a viewer asks of its live stream: the requests it would send over the WebSocket.',
        description: 'Fails `not-found` where the stream has ended.',
      },
      ({ actor, params, body }) => streams.take(actor, params.streamId, body.requests),
    ),
  ]
}
