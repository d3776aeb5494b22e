// Turning cameras over HTTP.
import { z } from 'zod'
import { ptzAbilities, ptzPreset, ptzPresetDraft, ptzPresetToken, ptzSpeeds } from '../../shared/ptz.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { PtzService } from './ptz-service.ts'

const cameraParams = z.object({ cameraId: z.string().max(36) })
const presetParams = cameraParams.extend({ presetToken: ptzPresetToken })
const failures =
  'Fails `conflict` where the camera cannot be turned or refuses, `unreachable` where it does not answer; the message ' +
  'says what the camera said.'

export function ptzRoutes(ptz: PtzService): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/ptz',
        params: cameraParams,
        answer: ptzAbilities,
        privilege: 'camera.ptz',
        summary: 'What a camera’s head can do.',
        description:
          'A camera that cannot be turned is a finding, not a failure: 200 `{hasPtz: false, reason, detail}`. `no-onvif`: ' +
          'no ONVIF host is set; `no-ptz`: it has no head; `unreachable`: ask again.',
      },
      ({ params }) => ptz.abilities(params.cameraId),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/ptz/move',
        params: cameraParams,
        body: ptzSpeeds,
        answer: nothing,
        privilege: 'camera.ptz',
        summary: 'Moves a camera for a second; sent again within it, the move goes on.',
        description: `The server ends a move that is not renewed, should the client be gone. ${failures}`,
      },
      ({ params, body }) => ptz.move(params.cameraId, body),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/ptz/stop',
        params: cameraParams,
        answer: nothing,
        privilege: 'camera.ptz',
        summary: 'Has a camera stand still, whoever moved it.',
        description: failures,
      },
      ({ params }) => ptz.stop(params.cameraId),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/ptz/home',
        params: cameraParams,
        answer: nothing,
        privilege: 'camera.ptz',
        summary: 'Sends a camera to its home position.',
        description: failures,
      },
      ({ params }) => ptz.goHome(params.cameraId),
    ),
    route(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/ptz/presets',
        params: cameraParams,
        answer: z.array(ptzPreset),
        privilege: 'camera.ptz',
        summary: 'The positions a camera keeps, in its own order.',
        description: failures,
      },
      ({ params }) => ptz.listPresets(params.cameraId),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/ptz/presets',
        params: cameraParams,
        body: ptzPresetDraft,
        answer: ptzPreset,
        status: 201,
        privilege: 'camera.ptz',
        summary: 'Keeps where a camera looks now under a name, in place of a preset of that name.',
        description: failures,
      },
      ({ params, body, actor }) => ptz.savePreset(params.cameraId, body.name, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/cameras/:cameraId/ptz/presets/:presetToken/go',
        params: presetParams,
        answer: nothing,
        privilege: 'camera.ptz',
        summary: 'Sends a camera to a preset.',
        description: failures,
      },
      ({ params }) => ptz.goToPreset(params.cameraId, params.presetToken),
    ),
    route(
      {
        method: 'delete',
        path: 'api/cameras/:cameraId/ptz/presets/:presetToken',
        params: presetParams,
        answer: nothing,
        privilege: 'camera.ptz',
        summary: 'Removes a preset of a camera.',
        description: failures,
      },
      ({ params, actor }) => ptz.removePreset(params.cameraId, params.presetToken, actor),
    ),
  ]
}
