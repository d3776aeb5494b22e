import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NodeDisk } from '../../../server/recording/disk.ts'
import { parseMarker, writeMarker } from '../../../server/recording/marker.ts'
import {
  decodedFrames,
  RecordingRig,
  type RigOptions,
  rigCameraId,
  rigSpaceId,
  second,
} from '../../support/recording-rig.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const markerPath = (rig: RecordingRig) => join(rig.folder, '.nightjar-space')
const markerOf = (rig: RecordingRig) => parseMarker(readFileSync(markerPath(rig)))
const known = { settings: { isFresh: false } }

describe('recording space', () => {
  let volumePath: string
  const rigs: RecordingRig[] = []

  beforeEach(() => {
    volumePath = makeTestFolder()
  })

  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.close().catch(() => undefined)
  })

  async function open(options: Partial<RigOptions> = {}): Promise<RecordingRig> {
    const rig = await RecordingRig.open({ volumePath, ...options })
    rigs.push(rig)
    return rig
  }

  /** A space with some closed segments, left in order. */
  async function filled(seconds = 12, options: Partial<RigOptions> = {}): Promise<RecordingRig> {
    const rig = await RecordingRig.open({ volumePath, segmentSec: 2, ...options })
    await rig.feeder().feed(seconds)
    await rig.close()
    return rig
  }

  /** Every file below a folder, with its content's length. */
  const listing = (folder: string) => execFileSync('find', [folder, '-printf', '%P %s\n']).toString().split('\n').sort()

  describe('marker', () => {
    it('is made with a fresh space, and proved by its first safe segment', async () => {
      const rig = await open()
      assert.equal(markerOf(rig)?.state, 'new')
      assert.equal(markerOf(rig)?.space, rigSpaceId)
      assert.deepEqual(rig.eventsOf('space-made').length, 1)

      await rig.feeder().feed(3)

      assert.equal(markerOf(rig)?.state, 'proved')
    })

    it('carries a heartbeat', async () => {
      const rig = await open()
      const first = markerOf(rig)!.heartbeatMs
      await rig.pass(6 * second)
      await rig.pass(6 * second)

      assert.ok(markerOf(rig)!.heartbeatMs >= first + 10_000)
    })

    const spoilt: [string, string, (rig: RecordingRig) => void][] = [
      ['is missing', 'marker-missing', (rig) => rmSync(markerPath(rig))],
      [
        'is cut short',
        'marker-unreadable',
        (rig) => writeFileSync(markerPath(rig), readFileSync(markerPath(rig)).subarray(0, 300)),
      ],
      [
        'is damaged',
        'marker-unreadable',
        (rig) => {
          const bytes = readFileSync(markerPath(rig))
          bytes[20] = bytes[20]! ^ 1
          writeFileSync(markerPath(rig), bytes)
        },
      ],
      [
        'is another space’s',
        'marker-foreign',
        (rig) => writeFileSync(markerPath(rig), writeMarker({ ...markerOf(rig)!, space: rigCameraId })),
      ],
      [
        'is another server’s',
        'owned-by-another-server',
        (rig) => writeFileSync(markerPath(rig), writeMarker({ ...markerOf(rig)!, server: rigCameraId })),
      ],
    ]
    for (const [what, fault, spoil] of spoilt) {
      it(`that ${what} keeps a start from touching anything, until it is right again`, async () => {
        const before = await filled()
        const good = readFileSync(markerPath(before))
        spoil(before)
        const found = listing(volumePath)

        const rig = await open({ ...known, segmentSec: 2 })
        rig.volume.resize(1000, 50)
        const feeder = rig.feeder()
        await feeder.feed(8)

        assert.equal(rig.volume.fault, fault)
        assert.equal(rig.volume.status().state, 'error')
        assert.deepEqual(listing(volumePath), found)
        assert.deepEqual(rig.removed(), [])
        assert.equal(feeder.writer.notRecordingReason, 'space-error')
        assert.equal(rig.eventsOf('occurrence').filter(({ name }) => name === 'space-error').length, 1)

        writeFileSync(markerPath(rig), good)
        rig.volume.resize(10e9, 95)
        await feeder.feed(8)
        assert.equal(rig.volume.fault, undefined)
        assert.equal(rig.eventsOf('occurrence').filter(({ name }) => name === 'space-restored').length, 1)
        assert.ok(listing(volumePath).length > found.length)
      })

      it(`that ${what} while it is recorded stops making and deleting files within 5 s`, async () => {
        const rig = await open({ segmentSec: 2 })
        const feeder = rig.feeder()
        await feeder.feed(6)
        spoil(rig)
        await feeder.feed(6)
        const files = rig.files()
        rig.volume.resize(1000, 50)
        await feeder.feed(10)

        assert.equal(rig.volume.fault, fault)
        assert.deepEqual(rig.files(), files)
        assert.deepEqual(rig.removed(), [])
        assert.equal(rig.eventsOf('gap-began').length, 1)
      })
    }

    it('is not made where the space is not fresh: an empty mount point earns none', async () => {
      const rig = await open(known)
      await rig.feeder().feed(3)

      assert.equal(rig.volume.fault, 'marker-missing')
      assert.equal(existsSync(rig.folder), false)
    })

    it('is left alone in a folder of a fresh space that belongs to another', async () => {
      const before = await filled()
      writeFileSync(markerPath(before), writeMarker({ ...markerOf(before)!, space: rigCameraId }))
      const found = listing(volumePath)

      const rig = await open()

      assert.equal(rig.volume.fault, 'marker-foreign')
      assert.deepEqual(listing(volumePath), found)
    })

    it('allows no deletion before a segment of the space was safe', async () => {
      const rig = await open({ segmentSec: 60 })
      rig.volume.resize(1, 50)
      await rig.pass(6 * second)

      assert.equal(markerOf(rig)?.state, 'new')
      assert.deepEqual(rig.removed(), [])
    })
  })

  it('is in error while its volume is away, and records again when it is back', async () => {
    const rig = await open({ segmentSec: 2 })
    const feeder = rig.feeder()
    await feeder.feed(4)
    renameSync(volumePath, `${volumePath}-away`)
    await feeder.feed(8)
    assert.equal(rig.volume.fault, 'missing')
    assert.equal(existsSync(volumePath), false)

    renameSync(`${volumePath}-away`, volumePath)
    await feeder.feed(10)

    assert.equal(rig.volume.fault, undefined)
    assert.equal(feeder.writer.isRecording, true)
  })

  it('is in error where its path stands on another mount', async () => {
    const rig = await open({ mountPointOf: async () => '/elsewhere' })

    assert.equal(rig.volume.fault, 'not-mounted')
    assert.equal(existsSync(rig.folder), false)
  })

  it('gives each segment a number of its own, over restarts and kills', async () => {
    const first = await filled()
    // Left without closing: as by a kill.
    const second_ = await RecordingRig.open({ volumePath, ...known, segmentSec: 2, clock: first.clock })
    await second_.feeder().feed(6)
    const third = await open({ ...known, segmentSec: 2, clock: second_.clock })
    await third.feeder().feed(6)
    await third.close()

    const sequences = third.sequences()
    assert.equal(new Set(sequences).size, sequences.length)
    const starts = [...first.rows('segment-closed'), ...third.rows('segment-closed')]
    const byNumber = starts.toSorted((a, b) => a.sequence - b.sequence).map(({ startUs }) => startUs)
    assert.deepEqual(
      byNumber,
      byNumber.toSorted((a, b) => a - b),
    )
  })

  it('recovers what a kill left open, and cuts a torn tail off', async () => {
    const killed = await RecordingRig.open({ volumePath, segmentSec: 60 })
    const feeder = killed.feeder()
    await feeder.feed(5)
    const path = join(killed.folder, killed.files()[0]!)
    const whole = readFileSync(path)
    writeFileSync(path, whole.subarray(0, whole.length - 100))

    const rig = await open({ ...known, clock: killed.clock })

    const [row] = rig.rows('segment-closed')
    assert.equal(row!.flags & 1, 1)
    const { frames, complaints } = decodedFrames(path)
    assert.equal(complaints, '')
    assert.equal(frames, row!.videoSamples)
    assert.ok(frames >= 125 - 13 && frames < 125)
    assert.equal(rig.eventsOf('occurrence').length, 0)
  })

  it('removes a file that a kill left without footage', async () => {
    const killed = await RecordingRig.open({ volumePath, segmentSec: 60 })
    await killed.feeder().feed(1)
    const [path] = killed.files()
    const bytes = readFileSync(join(killed.folder, path!))
    writeFileSync(join(killed.folder, path!), bytes.subarray(0, 500))

    const rig = await open({ ...known, clock: killed.clock })

    assert.deepEqual(rig.files(), [])
    assert.equal(rig.removed().length, 1)
  })

  it('keeps to its size: the oldest goes, recording goes on', async () => {
    const first = await filled(4)
    const bytes = first.rows('segment-closed')[0]!.sizeBytes
    const rig = await open({
      ...known,
      segmentSec: 2,
      clock: first.clock,
      settings: { isFresh: false, allocatedBytes: bytes * 10, overwriteThresholdPct: 50 },
    })
    const feeder = rig.feeder()
    await feeder.feed(40)

    const left = rig.sequences()
    assert.ok(left.length <= 7 && left.length >= 4, `${left.length} files`)
    const removed = rig.removed()
    assert.deepEqual(
      removed,
      removed.toSorted((a, b) => a - b),
    )
    assert.ok(Math.max(...removed) < left[0]!)
    assert.deepEqual(rig.eventsOf('gap-began').length, 0)
    assert.ok(rig.volume.status().usedBytes <= bytes * 7)
    await rig.close()
    const frames = [...rig.rows('segment-closed')].reduce((sum, row) => sum + row.videoSamples, 0)
    assert.equal(frames, feeder.sent.length)
  })

  it('does not delete the new after the clock was set back', async () => {
    const rig = await open({ segmentSec: 2 })
    const feeder = rig.feeder()
    await feeder.feed(10)
    feeder.endRun()
    await feeder.writer.drained()
    rig.clock.step(-50 * 3600 * second)
    await feeder.feed(10)
    feeder.endRun()
    await feeder.writer.drained()
    const all = rig.sequences()
    assert.ok(all.length >= 9)
    rig.volume.resize(rig.volume.status().usedBytes / 2, 100)
    await rig.pass(6 * second)

    const left = rig.sequences()
    assert.deepEqual(left, all.slice(-left.length))
    assert.ok(left.length > 0 && left.length < all.length)
  })

  it('tells what it holds, and since when', async () => {
    const rig = await open({ segmentSec: 2 })
    const startUs = rig.clock.utcUs()
    await rig.feeder().feed(8)
    const status = rig.volume.status()
    const onDisk = rig.files().reduce((sum, path) => sum + readFileSync(join(rig.folder, path)).length, 0)

    assert.equal(status.state, 'normal')
    assert.equal(status.usedBytes, onDisk)
    assert.ok(status.oldestMs !== undefined && Math.abs(status.oldestMs * 1000 - startUs) < 3 * second)
    assert.ok(status.freeBytes > 0)
  })

  it('warns where the volume cannot hold what was promised', async () => {
    const rig = await open({ settings: { allocatedBytes: 1e18 } })

    assert.equal(rig.volume.status().state, 'warning')
  })

  it('counts what is there where its journal is lost', async () => {
    const first = await filled()
    const onDisk = first.files().reduce((sum, path) => sum + readFileSync(join(first.folder, path)).length, 0)
    rmSync(join(first.folder, 'journal'), { recursive: true })

    const rig = await open(known)

    assert.equal(rig.volume.status().usedBytes, onDisk)
    assert.equal(rig.files().length, first.files().length)
  })

  it('is made by the next start wherever its making was stopped', async () => {
    for (let steps = 0; ; steps++) {
      const path = makeTestFolder()
      let left = steps
      const stop = () => {
        if (left-- <= 0) throw new Error('stopped')
      }
      class StoppingDisk extends NodeDisk {
        override async makeFolder(folder: string): Promise<boolean> {
          stop()
          return await super.makeFolder(folder)
        }
        override async write(...args: Parameters<NodeDisk['write']>): Promise<void> {
          stop()
          await super.write(...args)
        }
        override async syncFolder(folder: string): Promise<void> {
          stop()
          await super.syncFolder(folder)
        }
      }
      const stopped = await RecordingRig.open({ volumePath: path, disk: new StoppingDisk() })
      const isWhole = stopped.volume.isReady

      const rig = await RecordingRig.open({
        volumePath: path,
        settings: { isFresh: stopped.eventsOf('space-made').length === 0 },
      })
      await rig.feeder().feed(2)
      assert.equal(rig.volume.fault, undefined, `stopped after ${steps} steps`)
      assert.equal(rig.files().length, 1)
      await rig.close()
      if (isWhole) break
      assert.ok(steps < 40)
    }
  })

  it('removes the footage of one camera on demand', async () => {
    const rig = await open({ segmentSec: 2 })
    const other = rig.feeder({ cameraId: '44444444-3333-4333-8333-333333333333' })
    const feeder = rig.feeder()
    feeder.give(0.5)
    await other.feed(6)
    feeder.endRun()
    await feeder.writer.drained()

    await rig.volume.removeFootage(rigCameraId)

    assert.ok(rig.files().every((path) => path.startsWith('44444444')))
    assert.ok(rig.files().length >= 3)
  })

  describe('on a mount', () => {
    /** Runs a scenario of `mounted-space.ts` as root in a mount namespace of its own. */
    function run(scenario: string): Record<string, unknown>[] {
      const program = join(import.meta.dirname, '../../support/mounted-space.ts')
      const output = execFileSync(
        'unshare',
        [
          ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
          ...['-m', process.execPath, '--import', join(import.meta.dirname, '../../support/no-mocha.mjs')],
          ...[program, scenario, makeTestFolder()],
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const lines = output.toString().split('\n').filter(Boolean)
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>).slice(0, -1)
    }

    it('that went writes nothing below the mount point, and goes on when it is back', () => {
      const [away, back] = run('unmounted')

      assert.equal(away!['fault'], 'not-mounted')
      assert.deepEqual(away!['strays'], [])
      assert.deepEqual(away!['gaps'], ['space-error'])
      assert.equal(back!['fault'], undefined)
      assert.equal(back!['restored'], 1)
      assert.ok(Number(back!['after']) > Number(away!['before']))
      assert.deepEqual(back!['removed'], [])
    })

    it('with an empty disk over it writes nothing there', () => {
      const [over, back] = run('empty')

      assert.equal(over!['fault'], 'marker-missing')
      assert.deepEqual(over!['strays'], [])
      assert.deepEqual([back!['fault'], back!['restored'], back!['removed']], [undefined, 1, []])
    })

    it('that became read-only is in error, and records again when it may', () => {
      const [readOnly, back] = run('readOnly')

      assert.equal(readOnly!['fault'], 'read-only')
      assert.equal(readOnly!['files'], readOnly!['before'])
      assert.deepEqual([back!['fault'], back!['restored'], back!['isMore']], [undefined, 1, true])
    })

    it('that is full loses its oldest footage, and not one frame of the new', () => {
      const [found] = run('full')

      assert.equal(found!['fault'], undefined)
      assert.equal(found!['gaps'], 0)
      assert.equal(found!['frames'], found!['sent'])
      assert.equal(found!['removedInOrder'], true)
      assert.ok(Number(found!['newestRemoved']) < Number(found!['oldestLeft']))
      assert.equal(found!['complaints'], '')
    })

    it('that is full of footage which must stay waits, and goes on when some may go', () => {
      const [full, after] = run('fullAndPinned')

      assert.equal(full!['removed'], 0)
      assert.equal(after!['removed'], true)
      assert.equal(after!['isRecording'], true)
    })
  })

  it('keeps folders of other names as they are', async () => {
    const rig = await open({ segmentSec: 2 })
    writeFileSync(join(rig.folder, 'notes.txt'), 'mine')
    await rig.feeder().feed(8)
    rig.volume.resize(1000, 50)
    await rig.pass(6 * second)

    assert.ok(readdirSync(rig.folder).includes('notes.txt'))
    assert.ok(rig.removed().length > 0)
  })
})
