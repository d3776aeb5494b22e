import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseFragmentHead } from '../../../server/media/segment/fragment-head.ts'
import {
  footerBytesFromTail,
  mfraBytesFromTail,
  parseSegmentFooter,
} from '../../../server/media/segment/segment-footer.ts'
import { parseSegmentFileHead } from '../../../server/media/segment/segment-head.ts'
import { crcSeed, uuidBytes } from '../../../server/media/segment/segment-layout.ts'
import { NodeDisk } from '../../../server/recording/disk.ts'
import { testClip } from '../../support/footage.ts'
import { decodedFrames, RecordingRig, type RigOptions, second } from '../../support/recording-rig.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

/** A disk that fails or hangs as a test wants. */
class OddDisk extends NodeDisk {
  failWith: string | undefined
  hung: (() => void)[] | undefined
  syncFailWith: string | undefined

  override async write(...args: Parameters<NodeDisk['write']>): Promise<void> {
    const { hung } = this
    if (hung !== undefined) await new Promise<void>((resolve) => hung.push(resolve))
    if (this.failWith !== undefined) throw Object.assign(new Error(this.failWith), { code: this.failWith })
    return await super.write(...args)
  }

  override async sync(file: number): Promise<void> {
    if (this.syncFailWith !== undefined) throw Object.assign(new Error(this.syncFailWith), { code: this.syncFailWith })
    return await super.sync(file)
  }

  release(): void {
    const hung = this.hung
    this.hung = undefined
    for (const go of hung ?? []) go()
  }
}

/** Picture samples of a closed file, by its footer; and what the footer says. */
function readSegment(path: string) {
  const bytes = readFileSync(path)
  const { head } = parseSegmentFileHead(bytes)!
  const mfraBytes = mfraBytesFromTail(bytes)!
  const upTo = bytes.subarray(0, bytes.length - mfraBytes)
  const footer = parseSegmentFooter(Uint8Array.from(upTo.subarray(-footerBytesFromTail(upTo)!)))!
  const { table } = footer
  const video = table.track(1)!
  const samples: Buffer[] = []
  for (let fragment = 0, index = 0; fragment < table.fragments; fragment++) {
    const at = table.fileOffsets.values[fragment]!
    const read = parseFragmentHead(bytes, at, crcSeed(uuidBytes(head.segmentId)))
    assert.ok(read !== undefined, `fragment ${fragment}`)
    assert.equal(read.number, fragment)
    let offset = at + table.headBytes.values[fragment]!
    for (let i = 0; i < video.counts.values[fragment]!; i++, index++) {
      samples.push(bytes.subarray(offset, offset + video.sizes.values[index]!))
      offset += video.sizes.values[index]!
    }
  }
  return { head, footer, table, samples }
}

describe('segment writer', () => {
  const rigs: RecordingRig[] = []

  async function open(options: Partial<RigOptions> = {}): Promise<RecordingRig> {
    const rig = await RecordingRig.open({ volumePath: makeTestFolder(), ...options })
    rigs.push(rig)
    return rig
  }

  afterEach(async () => {
    for (const rig of rigs.splice(0)) assert.equal(rig.arena.held.size, 0, 'slots of the arena were kept')
  })

  it('begins another segment of the same run at a keyframe, once the segment is old enough', async () => {
    const rig = await open({ segmentSec: 3 })
    const feeder = rig.feeder()
    await feeder.feed(10)
    feeder.endRun()
    await rig.close()

    const rows = rig.rows('segment-closed')
    assert.deepEqual(
      rows.map(({ runIndex, sequence }) => [runIndex, sequence]),
      [0, 1, 2, 3].map((i) => [i, rows[0]!.sequence + i]),
    )
    assert.equal(new Set(rows.map(({ runId }) => runId)).size, 1)
    assert.deepEqual(
      rows.map(({ startUs, endUs }) => (endUs - startUs) / second),
      [3, 3, 3, 1],
    )
    for (let i = 1; i < rows.length; i++) assert.equal(rows[i]!.startUs, rows[i - 1]!.endUs)
    const files = rig.files().map((path) => readSegment(join(rig.folder, path)))
    assert.deepEqual(
      files.flatMap(({ samples }) => samples).map((data) => data.toString('hex')),
      feeder.sent.map((data) => Buffer.from(data).toString('hex')),
    )
    for (const { table } of files) assert.equal(table.flags.values[0]! & 1, 1, 'begins with a keyframe')
  })

  it('closes files that ffmpeg takes, with every frame in them', async () => {
    const rig = await open({ segmentSec: 4 })
    const feeder = rig.feeder({ clip: testClip({ seconds: 4, sizePx: '160x96', bFrames: 2, sound: 'aac' }) })
    await feeder.feed(8)
    feeder.endRun()
    await rig.close()

    const found = rig.files().map((path) => decodedFrames(join(rig.folder, path)))
    assert.deepEqual(found, [
      { frames: 100, complaints: '' },
      { frames: 100, complaints: '' },
    ])
    for (const row of rig.rows('segment-closed')) {
      assert.equal(row.videoSamples, 100)
      assert.ok(row.audioSamples > 50)
    }
  })

  it('writes composition offsets into the footer though the first keyframe has none', async () => {
    const rig = await open()
    const feeder = rig.feeder()
    const { config } = testClip({ seconds: 4, sizePx: '160x96' }).video
    const slot = rig.arena.take(100_000)!
    const { bytes, view } = rig.arena
    const dataAt = slot.offset + 10_000
    bytes.fill(7, dataAt, dataAt + 30)
    feeder.writer.beginRun([config])
    feeder.writer.fragment(
      {
        slot,
        bytes,
        view,
        dataAt,
        dataEnd: dataAt + 30,
        tracks: [
          {
            trackId: 1,
            tfdtTicks: 0,
            count: 3,
            sizes: Uint32Array.of(10, 10, 10),
            durations: Uint32Array.of(3600, 3600, 3600),
            offsets: Int32Array.of(0, 7200, 0),
          },
        ],
        isKey: true,
        isLossBefore: false,
        mediaUs: 0,
      },
      rig.clock.utcUs(),
      0,
    )
    await rig.close()

    const { table } = readSegment(join(rig.folder, rig.files()[0]!))
    assert.equal(table.track(1)?.hasOffsets, true)
    assert.deepEqual([...table.track(1)!.offsets.view()], [0, 7200, 0])
  })

  it('tells of a segment once it is safe, and of its growth', async () => {
    const rig = await open()
    const feeder = rig.feeder()
    await feeder.feed(1)
    assert.deepEqual(rig.rows('segment-opened'), [])
    assert.equal(feeder.writer.progress(), undefined)
    await feeder.feed(1.5)

    const [opened] = rig.rows('segment-opened')
    assert.equal(opened?.footerOffset, 0)
    const progress = feeder.writer.progress()
    assert.equal(progress?.sequence, opened?.sequence)
    assert.equal(progress?.videoSamples, 63)
    assert.ok(feeder.writer.isRecording)
    await rig.close()
  })

  it('notes in each fragment how much of the file was safe', async () => {
    const rig = await open({ flushSec: 2, segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(9)
    await rig.close()

    const bytes = readFileSync(join(rig.folder, rig.files()[0]!))
    const { head, table } = readSegment(join(rig.folder, rig.files()[0]!))
    const seed = crcSeed(uuidBytes(head.segmentId))
    const safe = [...table.fileOffsets.view()].map((at) => parseFragmentHead(bytes, at, seed)!.syncedThrough)
    assert.equal(safe[0], 0)
    assert.deepEqual(
      safe,
      safe.toSorted((a, b) => a - b),
    )
    const last = table.fragments - 1
    // At most `flushSec` of footage is not safe.
    const safeUs = table.utcUs.values[table.fileOffsets.view().findLastIndex((at) => at < safe[last]!)]!
    assert.ok(table.utcUs.values[last]! - safeUs <= 3 * second)
    assert.ok(safe.every((through, i) => through <= table.fileOffsets.values[i]!))
  })

  it('begins another segment of the same run where the stream is described anew', async () => {
    const rig = await open({ segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    const large = testClip({ seconds: 1, sizePx: '320x180' }).video.config
    feeder.writer.config([large])
    await feeder.feed(2)
    await rig.close()

    assert.deepEqual(
      rig.rows('segment-closed').map(({ runIndex, widthPx, videoSamples }) => [runIndex, widthPx, videoSamples]),
      [
        [0, 160, 50],
        [1, 320, 50],
      ],
    )
    assert.equal(new Set(rig.rows('segment-closed').map(({ runId }) => runId)).size, 1)
  })

  it('begins another run in another segment, and keeps the first one’s times', async () => {
    const rig = await open({ segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    feeder.endRun()
    await rig.pass(3 * second)
    await feeder.feed(2)
    await rig.close()

    const rows = rig.rows('segment-closed')
    assert.deepEqual(
      rows.map(({ runIndex }) => runIndex),
      [0, 0],
    )
    assert.notEqual(rows[0]!.runId, rows[1]!.runId)
    assert.equal((rows[1]!.startUs - rows[0]!.endUs) / second, 3)
    const gaps = rig.eventsOf('gap-ended')
    assert.deepEqual(
      gaps.map(({ cause, startUs, endUs }) => [cause, (endUs - startUs) / second]),
      [['unknown', 3]],
    )
  })

  it('asks once for a keyframe where none came for twice a segment’s length, and goes on', async () => {
    const rig = await open({ segmentSec: 2 })
    const feeder = rig.feeder()
    feeder.isEndless = true
    await feeder.feed(8)
    await rig.close()

    assert.equal(feeder.keyframesWanted, 1)
    assert.deepEqual(
      rig.rows('segment-closed').map(({ videoSamples }) => videoSamples),
      [200],
    )
  })

  it('repeats names of a clock that was set back, without harm', async () => {
    const rig = await open({ segmentSec: 60 })
    const feeder = rig.feeder()
    for (let i = 0; i < 3; i++) {
      await feeder.feed(2)
      feeder.endRun()
      await feeder.writer.drained()
      rig.clock.step(-2 * second)
    }
    await rig.close()

    const rows = rig.rows('segment-closed')
    assert.deepEqual(
      rows.map(({ startUs }) => startUs),
      rows.map(() => rows[0]!.startUs),
    )
    assert.equal(rig.files().length, 3)
  })

  it('keeps what waits for a slow disk in memory, then holds the camera back, and loses nothing', async () => {
    const disk = new OddDisk()
    const rig = await open({ disk, segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    disk.hung = []
    feeder.give(5)
    assert.deepEqual(feeder.holds, [])
    assert.ok(feeder.writer.spillSec > 3)
    assert.ok(rig.arena.held.size <= 6, 'what waits is not in the arena')
    feeder.give(4)
    assert.deepEqual(feeder.holds, [true])
    assert.ok(rig.spilledBytes > 0)

    disk.release()
    await feeder.writer.drained()
    assert.deepEqual(feeder.holds, [true, false])
    await rig.close()

    assert.equal(rig.spilledBytes, 0)
    assert.deepEqual(rig.eventsOf('gap-began'), [])
    const { samples } = readSegment(join(rig.folder, rig.files()[0]!))
    assert.equal(samples.length, feeder.sent.length)
  })

  it('gives up what waits for a disk that hangs, with its gap, and records again when it answers', async () => {
    const disk = new OddDisk()
    const rig = await open({ disk, segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    disk.hung = []
    feeder.give(4)
    await rig.pass(21 * second)
    assert.equal(rig.eventsOf('gap-began')[0]?.cause, 'disk-stalled')
    assert.equal(feeder.writer.isRecording, false)
    assert.equal(feeder.writer.notRecordingReason, 'disk-stalled')

    disk.release()
    await rig.pass(6 * second)
    await feeder.feed(3)
    assert.equal(feeder.writer.isRecording, true)
    assert.equal(rig.eventsOf('gap-ended').length, 1)
    await rig.close()
    assert.equal(rig.spilledBytes, 0)
  })

  it('leaves a file whose write failed to recovery, and begins another at a keyframe', async () => {
    const disk = new OddDisk()
    const rig = await open({ disk, segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    disk.failWith = 'EIO'
    await feeder.feed(1)
    assert.equal(rig.eventsOf('gap-began')[0]?.cause, 'space-error')
    assert.equal(rig.volume.fault, 'write-failed')
    assert.equal(feeder.writer.notRecordingReason, 'space-error')
    disk.failWith = undefined
    await rig.pass(6 * second)
    await feeder.feed(2)
    await rig.close()

    const rows = rig.rows('segment-closed')
    assert.deepEqual(rows.map(({ runIndex, flags }) => [runIndex, flags]).sort(), [
      [0, 1],
      [1, 0],
    ])
    assert.equal(rows.find(({ runIndex }) => runIndex === 0)?.videoSamples, 50)
    for (const path of rig.files()) assert.equal(decodedFrames(join(rig.folder, path)).complaints, '')
  })

  it('puts nothing more into a file whose sync failed', async () => {
    const disk = new OddDisk()
    const rig = await open({ disk, segmentSec: 60 })
    const feeder = rig.feeder()
    await feeder.feed(2)
    disk.syncFailWith = 'EIO'
    await rig.pass(6 * second)
    assert.equal(rig.volume.fault, 'write-failed')
    disk.syncFailWith = undefined
    await rig.pass(6 * second)
    await feeder.feed(3)
    await rig.pass(6 * second)
    await rig.close()

    assert.equal(rig.files().length, 2)
    assert.deepEqual(
      rig
        .rows('segment-closed')
        .map(({ flags }) => flags)
        .sort(),
      [0, 1],
    )
  })

  it('records every camera again soon after a disk came back, whose files are open no more', async () => {
    /** A disk that is pulled: what was open on it never works again. */
    class PulledDisk extends NodeDisk {
      isAway = false
      readonly #open = new Set<number>()
      #stale = new Set<number>()

      pull(): void {
        this.isAway = true
        this.#stale = new Set(this.#open)
      }
      override async open(...args: Parameters<NodeDisk['open']>): Promise<number> {
        this.#check(-1)
        const file = await super.open(...args)
        this.#open.add(file)
        return file
      }
      override async close(file: number): Promise<void> {
        this.#open.delete(file)
        this.#stale.delete(file)
        await super.close(file)
      }
      override async write(...args: Parameters<NodeDisk['write']>): Promise<void> {
        this.#check(args[0])
        await super.write(...args)
      }
      override async sync(file: number): Promise<void> {
        this.#check(file)
        await super.sync(file)
      }
      #check(file: number): void {
        if (this.isAway || this.#stale.has(file)) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
    }
    const disk = new PulledDisk()
    const rig = await open({ disk, segmentSec: 60 })
    const cameras = [1, 2, 3, 4, 5, 6].map((n) => rig.feeder({ cameraId: `33333333-3333-4333-8333-00000000000${n}` }))
    const feedAll = async (seconds: number) => {
      for (let half = 0; half < seconds * 2; half++) {
        const [first, ...rest] = cameras
        await first!.feed(0.5)
        for (const feeder of rest) feeder.give(0)
        await rig.idle()
      }
    }
    for (const feeder of cameras) feeder.beginRun()
    await feedAll(3)
    disk.pull()
    await feedAll(2)
    assert.equal(rig.volume.fault, 'write-failed')
    disk.isAway = false

    await feedAll(15)

    assert.deepEqual(
      cameras.map(({ writer }) => writer.isRecording),
      cameras.map(() => true),
    )
    assert.equal(rig.volume.fault, undefined)
    await rig.close()
  })

  it('waits for a space that is being opened, and loses nothing of it', async () => {
    const rig = new RecordingRig({ volumePath: makeTestFolder() })
    rigs.push(rig)
    const feeder = rig.feeder()
    feeder.give(3)
    await rig.settle()
    await feeder.feed(1)
    await rig.close()

    assert.equal(rig.rows('segment-closed')[0]?.videoSamples, 100)
    assert.deepEqual(rig.eventsOf('gap-began'), [])
  })

  it('takes nothing after it was closed', async () => {
    const rig = await open()
    const feeder = rig.feeder()
    await feeder.feed(1)
    await rig.close()
    feeder.give(1)

    assert.equal(rig.rows('segment-closed')[0]?.videoSamples, 25)
  })
})
