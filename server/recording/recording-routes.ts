// Timelines, gaps and the health of streams over HTTP.
import { z } from 'zod'
import { healthHistory } from '../../shared/camera.ts'
import { footageBounds, gap, timeline } from '../../shared/recording.ts'
import { streamHealth } from '../../shared/stream.ts'
import { instantMsParam } from '../../shared/time.ts'
import { JsonBytes, type Route, route } from '../http/router.ts'
import type { HealthService } from './health-service.ts'
import type { RecordingService } from './recording-service.ts'

const cameraParams = z.object({ cameraId: z.string().max(36) })

/** Lines of the gap ledger given at once. */
const maxGaps = 5000

/** Ids with commas between them; at most 512. All cameras where not given. */
const cameraIds = z
  .string()
  .max(512 * 37, 'at most 512 cameras')
  .transform((text) => text.split(',').filter((id) => id !== ''))
  .optional()

export function recordingRoutes(recordings: RecordingService, health: HealthService): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/timeline',
        query: z.object({ cameras: cameraIds, fromMs: instantMsParam, toMs: instantMsParam }),
        answer: timeline,
        privilege: 'playback.view',
        summary: 'The unbroken stretches of footage of many cameras over any span up to 400 days, in flat arrays.',
      },
      async ({ query }) => new JsonBytes(await recordings.timeline(query.cameras, query.fromMs, query.toMs)),
    ),
    route(
      {
        method: 'get',
        path: 'api/gaps',
        query: z.object({
          cameraId: z.string().max(36).optional(),
          fromMs: instantMsParam,
          toMs: instantMsParam,
        }),
        answer: z.array(gap),
        privilege: 'playback.view',
        summary: `What should have been recorded and was not, each with its cause, oldest first, at most ${maxGaps}.`,
      },
      ({ query }) => recordings.gaps(query.cameraId, query.fromMs, query.toMs, maxGaps),
    ),
    route(
      {
        method: 'get',
        path: 'api/health',
        answer: z.array(streamHealth),
        privilege: 'live.view',
        summary: 'The state of every stream of every camera now.',
      },
      () => health.list(),
    ),
    route(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/health',
        params: cameraParams,
        answer: healthHistory,
        privilege: 'live.view',
        summary: 'The last 24 hours of a camera’s streams, a point a minute.',
      },
      ({ params }) => health.history(params.cameraId),
    ),
    route(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/footage',
        params: cameraParams,
        answer: footageBounds,
        privilege: 'playback.view',
        summary: 'First and last instant there is footage of.',
      },
      async ({ params }) => (await recordings.bounds(params.cameraId)) ?? {},
    ),
  ]
}
