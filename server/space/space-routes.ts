// Recording spaces over HTTP.
import { z } from 'zod'
import { space, spaceChange, spaceDraft } from '../../shared/space.ts'
import { volume } from '../../shared/volume.ts'
import type { HostSession } from '../host/host-session.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { SpaceService } from './space-service.ts'

const spaceParams = z.object({ spaceId: z.string().max(36) })

/** `hostSessionOf` gives what a log-in opened at the machine, by the id of its session here. */
export function spaceRoutes(
  spaces: SpaceService,
  hostSessionOf: (sessionId: string) => HostSession | undefined,
): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/volumes',
        answer: z.array(volume),
        privilege: 'surveillance.manage',
        summary: 'The machine’s volumes, for a new recording space: label, kind, room, RAID and state.',
      },
      ({ actor }) => spaces.listVolumes(hostSessionOf(actor.sessionId)),
    ),
    route(
      {
        method: 'get',
        path: 'api/spaces',
        answer: z.array(space),
        privilege: 'live.view',
        summary: 'All recording spaces, each in its state now.',
      },
      () => spaces.list(),
    ),
    route(
      {
        method: 'post',
        path: 'api/spaces',
        body: spaceDraft,
        answer: space,
        status: 201,
        privilege: 'surveillance.manage',
        summary: 'Makes a recording space on a volume.',
        description:
          'Fails `invalid` at `volumePath` or `allocatedBytes` with what is wrong there, `conflict` where another ' +
          'space uses the volume.',
      },
      ({ body, actor }) => spaces.create(body, actor, hostSessionOf(actor.sessionId)),
    ),
    route(
      {
        method: 'patch',
        path: 'api/spaces/:spaceId',
        params: spaceParams,
        body: spaceChange,
        answer: space,
        privilege: 'surveillance.manage',
        summary: 'Changes a recording space: its name, size or overwrite threshold.',
      },
      ({ params, body, actor }) => spaces.update(params.spaceId, body, actor),
    ),
    route(
      {
        method: 'delete',
        path: 'api/spaces/:spaceId',
        params: spaceParams,
        answer: nothing,
        privilege: 'surveillance.manage',
        summary: 'Forgets a recording space; its files stay. Fails `conflict` while a camera records to it.',
      },
      async ({ params, actor }) => {
        await spaces.remove(params.spaceId, actor)
      },
    ),
  ]
}
