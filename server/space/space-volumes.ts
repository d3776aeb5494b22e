// The machine's volumes as places for recording spaces: which there are, and how a space's folder is made on one.
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'
import type { VolumeView } from '../../shared/volume.ts'
import type { Lack } from '../host/finding.ts'
import type { Host } from '../host/host.ts'
import type { HostSession } from '../host/host-session.ts'
import type { VolumeFacts } from '../host/volume.ts'
import type { StoredSpace } from './space-store.ts'

export type SpaceHost = Pick<Host, 'kind' | 'volumes' | 'shares'>

const shareComment = 'Recordings of Nightjar'

/** In the order of their paths. Fails `unreachable` where the machine does not list them. */
export async function listVolumes(
  host: SpaceHost,
  spaces: StoredSpace[],
  session: HostSession | undefined,
): Promise<VolumeView[]> {
  const told = session === undefined ? undefined : await host.volumes.list(session)
  const listed = told?.isFound ? told : await host.volumes.list()
  if (!listed.isFound) throw new Failure('unreachable', listed.reason)
  return listed.value.map(({ source: _source, totalBytes, freeBytes, raid, ...volume }) => {
    const space = spaces.find(({ volumePath }) => volumePath === volume.mountPath)
    return {
      ...volume,
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      ...(raid === undefined ? {} : { raid }),
      ...(space === undefined ? {} : { spaceId: space.id }),
    }
  })
}

/**
 * Makes the folder of a new space as the machine has it made: a shared folder on a NAS, where an administrator of it asks;
 * by root where the server may not write to the volume. Where neither is needed the recorder makes it.
 *
 * Fails at `volumePath`: `invalid` where it cannot be made, `conflict` where the NAS refuses the shared folder.
 */
export async function makeSpaceFolder(
  host: SpaceHost,
  facts: VolumeFacts,
  folder: string,
  session: HostSession | undefined,
): Promise<void> {
  if (host.kind === 'qts' && session?.isAdministrator) {
    const listed = await host.volumes.list()
    const isVolume = listed.isFound && listed.value.some(({ mountPath }) => mountPath === facts.realPath)
    if (isVolume) return await makeShare(host, facts.realPath, folder, session)
  }
  if (facts.isWritable) return
  const made = await host.volumes.makeSpaceFolder(join(facts.realPath, folder))
  if (!made.isFound) {
    throw wrong('invalid', `${facts.realPath} cannot be written to by the server, and ${made.reason}`)
  }
}

async function makeShare(host: SpaceHost, volumePath: string, name: string, session: HostSession): Promise<void> {
  const made = await host.shares.create({ name, comment: shareComment, volumePath }, session)
  if (!made.isFound) throw wrong(kindOf(made), made.reason)
  const wanted = join(volumePath, name)
  if (made.value.path !== wanted)
    throw wrong('conflict', `the NAS made the shared folder ${made.value.path}, not ${wanted}`)
}

function kindOf({ kind }: Lack): 'forbidden' | 'conflict' | 'unreachable' {
  return kind === 'denied' ? 'forbidden' : kind === 'failed' ? 'unreachable' : 'conflict'
}

function wrong(kind: 'invalid' | 'conflict' | 'forbidden' | 'unreachable', finding: string): Failure {
  return new Failure(kind, `volumePath: ${finding}`, { field: 'volumePath' })
}
