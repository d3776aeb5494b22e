// An hour of one camera, written by the real writer into a space that a server then finds.
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { openDatabases } from '../../../server/app.ts'
import { createLogger } from '../../../server/base/logger.ts'
import { readConfig } from '../../../server/config.ts'
import { SettingStore } from '../../../server/db/setting-store.ts'
import { SpaceStore } from '../../../server/space/space-store.ts'
import { FakeClock } from '../../../test/support/fake-clock.ts'
import { RecordingRig, rigCameraId, rigServerId } from '../../../test/support/recording-rig.ts'
import { loopedClip } from './looped-clip.ts'

export interface Footage {
  cameraId: string
  fromMs: number
  toMs: number
  /** The segment files, oldest first. */
  files: string[]
}

const hourSec = 3600
const folderName = 'QVRProSpace_bench'
const allocatedBytes = 10e9

/** Writes the footage as fast as the disk takes it, and has a server that has not started yet know its space. */
export async function writeHour(environment: Record<string, string>): Promise<Footage> {
  const config = readConfig(environment)
  const spaceId = randomUUID()
  // Nobody records now: it lies in the past, where no span grows any more.
  const fromMs = Math.floor(Date.now() / 1000) * 1000 - 2 * hourSec * 1000
  const rig = await RecordingRig.open({
    volumePath: config.volumePath,
    clock: new FakeClock(fromMs * 1000),
    settings: { id: spaceId, folder: folderName, allocatedBytes },
    segmentSec: config.segmentSec,
    flushSec: config.flushSec,
  })
  const feeder = rig.feeder({ clip: await loopedClip() })
  await feeder.feed(hourSec)
  await rig.close()

  const { settings, index } = await openDatabases(config, createLogger('bench', 'warn'))
  await new SettingStore(settings).set('server-id', rigServerId)
  await new SpaceStore(settings).create({
    ...{ id: spaceId, name: 'Bench', volumePath: config.volumePath, mountPoint: '/', folder: folderName },
    ...{ isFresh: false, allocatedBytes, overwriteThresholdPct: 95, isDefault: true, createdMs: fromMs },
  })
  await index.close()
  await settings.close()
  const files = rig.files().map((file) => path.join(rig.folder, file))
  return { cameraId: rigCameraId, fromMs, toMs: fromMs + hourSec * 1000, files }
}
