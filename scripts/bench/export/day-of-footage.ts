// A day of one camera: as many frames as a real one has, of a few bytes each, so that what counts is their tables.
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { openDatabases } from '../../../server/app.ts'
import { createLogger } from '../../../server/base/logger.ts'
import { readConfig } from '../../../server/config.ts'
import { RecordingStore } from '../../../server/recording/recording-store.ts'
import { SpaceStore } from '../../../server/space/space-store.ts'
import { type TestClip, TestSpace, type TestTrack } from '../../../test/support/footage.ts'
import type { Footage } from './hour-of-footage.ts'
import { loopedClip } from './looped-clip.ts'

const segments = 288
const segmentSec = 300
/** About this many bytes of each frame; of varied length, so that no table becomes short. */
const fewBytes = 160

/** Writes the files, and has a server that has not started yet know them. `remove` takes them away again. */
export async function writeDay(environment: Record<string, string>): Promise<Footage & { remove: () => void }> {
  const fromMs = Math.floor(Date.now() / 1000) * 1000 - (segments + 12) * segmentSec * 1000
  const { video, audio } = await loopedClip()
  const clip: TestClip = { video: light(video), audio: light(audio!) }
  const space = new TestSpace()
  const runId = randomBytes(8).toString('hex')
  for (let i = 0; i < segments; i++) {
    const startUs = (fromMs + i * segmentSec * 1000) * 1000
    space.write({ clip, startUs, runId, runIndex: i, sequence: i + 1 })
  }
  const { settings, index } = await openDatabases(readConfig(environment), createLogger('bench', 'warn'))
  await new SpaceStore(settings).create({
    ...{ id: space.spaceId, name: 'Bench', volumePath: path.dirname(space.folder), mountPoint: '/' },
    ...{ folder: path.basename(space.folder), isFresh: true, allocatedBytes: 10e9, overwriteThresholdPct: 95 },
    ...{ isDefault: true, createdMs: fromMs },
  })
  await new RecordingStore(index).putSegments(space.rows)
  await index.close()
  await settings.close()
  return {
    cameraId: space.cameraId,
    fromMs,
    toMs: fromMs + segments * segmentSec * 1000,
    files: space.rows.map((row) => space.pathOf(row)),
    remove: () => space.remove(),
  }
}

/** A track of a segment's length, its frames cut down. */
function light<T extends TestTrack>({ config, samples }: T): T {
  const { durationTicks } = samples[0]!
  const count = Math.floor((segmentSec * config.timescale) / durationTicks)
  const cut = Array.from({ length: count }, (_, i) => {
    const sample = samples[i % samples.length]!
    const data = sample.data.subarray(0, fewBytes + (i % 37))
    return { ...sample, dtsTicks: i * durationTicks, data }
  })
  return { config, samples: cut } as unknown as T
}
