// Cameras over HTTP.
import type { Request } from 'express'
import { z } from 'zod'
import {
  type ConnectionTest,
  camera,
  cameraChange,
  cameraDraft,
  connectionTest,
  connectionTestRequest,
  footageChoice,
  type OnvifProbe,
  type OnvifProbeRequest,
  onvifProbe,
  onvifProbeRequest,
} from '../../shared/camera.ts'
import { Failure } from '../../shared/failure.ts'
import { streamNumber } from '../../shared/stream.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { CameraService } from './camera-service.ts'

/** An address to try, with the password that will be used. */
export interface AddressToTest {
  url: string
  username: string
  password: string
}

/** Tries of the network: injected by app.ts, for the sources stand on a higher rung. */
export interface CameraTests {
  testConnection(address: AddressToTest, signal: AbortSignal): Promise<ConnectionTest>
  probeOnvif(request: OnvifProbeRequest, signal: AbortSignal): Promise<OnvifProbe>
}

const cameraParams = z.object({ cameraId: z.string().max(36) })

/** Tests of one camera that run now. */
type Running = Set<string>

export function cameraRoutes(cameras: CameraService, tests: CameraTests): Route[] {
  const running: Running = new Set()

  return [
    route(
      {
        method: 'get',
        path: 'api/cameras',
        answer: z.array(camera),
        privilege: 'live.view',
        summary: 'All cameras, by channel.',
      },
      () => cameras.list(),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras',
        body: cameraDraft,
        answer: camera,
        status: 201,
        privilege: 'surveillance.manage',
        summary: 'Adds a camera. It is connected to and recorded at once.',
      },
      ({ body, actor }) => cameras.create(body, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/test',
        body: connectionTestRequest,
        answer: connectionTest,
        privilege: 'surveillance.manage',
        summary: 'Tries an address as it would be saved.',
        description:
          'A camera that does not answer is a finding, not a failure: 200 `{isReachable: false, fault, detail}`. ' +
          'Without `password`, the saved one of `cameraId` is used.',
      },
      async ({ body, request }) => {
        const password = body.password ?? (body.cameraId === undefined ? '' : await cameras.passwordOf(body.cameraId))
        return tests.testConnection({ url: body.url, username: body.username, password }, closingOf(request))
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/probe-onvif',
        body: onvifProbeRequest,
        answer: onvifProbe,
        privilege: 'surveillance.manage',
        summary: 'Asks an ONVIF device for its make, profiles and addresses.',
      },
      ({ body, request }) => tests.probeOnvif(body, closingOf(request)),
    ),
    route(
      {
        method: 'get',
        path: 'api/cameras/:cameraId',
        params: cameraParams,
        answer: camera,
        privilege: 'live.view',
        summary: 'One camera.',
      },
      ({ params }) => cameras.get(params.cameraId),
    ),
    route(
      {
        method: 'patch',
        path: 'api/cameras/:cameraId',
        params: cameraParams,
        body: cameraChange,
        answer: camera,
        privilege: 'surveillance.manage',
        summary: 'Changes a camera. What is left out stays; `password: ""` removes the password.',
      },
      ({ params, body, actor }) => cameras.update(params.cameraId, body, actor),
    ),
    route(
      {
        method: 'delete',
        path: 'api/cameras/:cameraId',
        params: cameraParams,
        query: z.object({ footage: footageChoice }),
        answer: nothing,
        privilege: 'surveillance.manage',
        summary: 'Removes a camera.',
        description:
          '`footage=remove` removes its recordings too; `footage=keep` leaves the channel as a read-only one as long ' +
          'as there is footage.',
      },
      async ({ params, query, actor }) => {
        await cameras.remove(params.cameraId, query.footage, actor)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/test',
        params: cameraParams,
        query: z.object({
          stream: z
            .string()
            .regex(/^[1-3]$/, 'must be 1, 2 or 3')
            .transform(Number)
            .pipe(streamNumber)
            .optional(),
        }),
        answer: connectionTest,
        privilege: 'surveillance.manage',
        summary: 'Tries a stream of a camera as it is saved; its first stream where none is named.',
        description: 'Fails `conflict` while another test of this camera runs.',
      },
      async ({ params, query, request }) => {
        const { cameraId } = params
        const { streams, username, name } = await cameras.get(cameraId)
        const stream = query.stream === undefined ? streams[0] : streams.find((one) => one.stream === query.stream)
        if (stream === undefined) throw new Failure('not-found', `test camera ${name}: it has no such stream`)
        const password = await cameras.passwordOf(cameraId)
        if (running.has(cameraId)) throw new Failure('conflict', `test camera ${name}: a test of it runs already`)
        running.add(cameraId)
        try {
          return await tests.testConnection({ url: stream.url, username, password }, closingOf(request))
        } finally {
          running.delete(cameraId)
        }
      },
    ),
  ]
}

/** Aborted when the client hangs up: nobody waits for the finding any more. */
function closingOf(request: Request): AbortSignal {
  const controller = new AbortController()
  request.res?.on('close', () => controller.abort())
  return controller.signal
}
