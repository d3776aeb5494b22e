import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSegmentFileHead } from '../../../server/media/segment/segment-head.ts'
import { crcSeed, uuidBytes } from '../../../server/media/segment/segment-layout.ts'
import { scanFragments } from '../../../server/media/segment/segment-scan.ts'
import { SegmentTable, TrackTable } from '../../../server/media/segment/segment-table.ts'
import { NodeDisk } from '../../../server/recording/disk.ts'
import { recoverSegment } from '../../../server/recording/recovery.ts'
import { segmentPath } from '../../../server/recording/segment-path.ts'
import { TestSpace, testClip } from '../../support/footage.ts'
import { decodedFrames } from '../../support/recording-rig.ts'

const startUs = Date.UTC(2026, 10, 22, 12) * 1000
const runId = '0123456789abcdef'

describe('recovery', () => {
  const disk = new NodeDisk()
  let space: TestSpace
  let bytes: Uint8Array
  let fragmentEnds: number[]
  let headBytes: number
  let path: string

  beforeEach(() => {
    space = new TestSpace()
    const clip = testClip({ seconds: 4, sizePx: '160x96', sound: 'aac' })
    ;({ bytes, fragmentEnds, headBytes } = space.build({ clip, startUs, runId, sequence: 7, isClosed: false }))
    path = segmentPath({ channelId: space.cameraId, stream: 1, kind: 'normal', startUs, runId, sequence: 7 })
    mkdirSync(dirname(join(space.folder, path)), { recursive: true })
  })

  afterEach(() => space.remove())

  const put = (content: Uint8Array) => writeFileSync(join(space.folder, path), content)
  const recover = () => recoverSegment(disk, space.folder, path, space.spaceId)
  const file = () => join(space.folder, path)

  function fragmentsIn(content: Uint8Array): number {
    const { head, headBytes: from } = parseSegmentFileHead(content)!
    const table = new SegmentTable([new TrackTable(1, 90_000, false)])
    const seed = crcSeed(uuidBytes(head.segmentId))
    const read = (offset: number, length: number) => content.subarray(offset, offset + length)
    scanFragments(read, table, { from, to: content.length, seed, proveDataFrom: 0, resynchronise: true })
    return table.fragments
  }

  it('gives a file that was left open its footer, and every player reads it', async () => {
    put(bytes)

    const result = await recover()

    assert.ok(result.kind === 'recovered')
    assert.equal(result.row.videoSamples, 100)
    assert.equal(result.row.flags, 1)
    assert.equal(result.row.startUs, startUs)
    assert.equal(result.row.endUs, startUs + 4_000_000)
    assert.deepEqual(decodedFrames(file()), { frames: 100, complaints: '' })
    assert.deepEqual(readFileSync(file()).subarray(0, bytes.length), Buffer.from(bytes))
  })

  it('cuts a torn tail off wherever it is torn, and loses no whole fragment', async () => {
    const ends = fragmentEnds.slice(0, -1)
    for (const [i, end] of ends.entries()) {
      for (const beyond of [1, 30, 63, 64, 70, 150, 200, fragmentEnds[i + 1]! - end - 1]) {
        put(bytes.subarray(0, end + beyond))

        const result = await recover()

        assert.ok(result.kind === 'recovered')
        assert.equal(result.row.footerOffset, end, `${beyond} bytes beyond fragment ${i}`)
        assert.equal(fragmentsIn(readFileSync(file())), i + 1)
      }
    }
    assert.equal(decodedFrames(file()).complaints, '')
  })

  it('trusts no fragment whose data never reached the disk', async () => {
    const torn = Uint8Array.from(bytes)
    torn.fill(0, fragmentEnds[4]! + 200, fragmentEnds[5]!)
    put(torn.subarray(0, fragmentEnds[5]!))

    const result = await recover()

    assert.ok(result.kind === 'recovered')
    assert.equal(result.row.footerOffset, fragmentEnds[4])
  })

  it('covers a damaged stretch between good fragments, and keeps the ones behind it', async () => {
    const torn = Uint8Array.from(bytes)
    torn.fill(0, fragmentEnds[1]!, fragmentEnds[2]!)
    put(torn)

    const result = await recover()

    assert.ok(result.kind === 'recovered')
    assert.equal(result.row.flags, 1 | 4)
    const after = readFileSync(file())
    assert.equal(after.toString('latin1', fragmentEnds[1]! + 4, fragmentEnds[1]! + 8), 'free')
    assert.equal(fragmentsIn(after), fragmentEnds.length - 1)
    assert.ok(decodedFrames(file()).frames >= 80)
  })

  it('finds the same when it is done again, and leaves a closed file as it is', async () => {
    put(bytes.subarray(0, fragmentEnds[3]! + 100))
    const first = await recover()
    const after = readFileSync(file())

    const second = await recover()

    assert.deepEqual(second, first)
    assert.deepEqual(readFileSync(file()), after)
  })

  it('is done by the next one wherever it is stopped', async () => {
    const torn = Uint8Array.from(bytes)
    torn.fill(0, fragmentEnds[1]!, fragmentEnds[2]!)
    put(torn)
    await recover()
    const whole = readFileSync(file())
    let steps = 0
    for (let isDone = false; !isDone; steps++) {
      put(torn)
      let left = steps
      class StoppingDisk extends NodeDisk {
        override async write(...args: Parameters<NodeDisk['write']>): Promise<void> {
          if (left-- === 0) {
            // Half of it is there.
            await super.write(args[0], args[1], args[2], args[2] + Math.floor((args[3] - args[2]) / 2), args[4])
            throw new Error('stopped')
          }
          await super.write(...args)
        }
        override async truncate(target: number, length: number): Promise<void> {
          if (left-- === 0) throw new Error('stopped')
          await super.truncate(target, length)
        }
      }
      isDone = await recoverSegment(new StoppingDisk(), space.folder, path, space.spaceId).then(
        () => true,
        () => false,
      )

      await recover()

      assert.deepEqual(readFileSync(file()), whole, `stopped at step ${steps}`)
    }
    assert.ok(steps >= 3)
  })

  it('says that a file without a whole head, or without a fragment, holds nothing', async () => {
    for (const end of [0, 7, 100, headBytes - 1, headBytes, headBytes + 63, fragmentEnds[0]! - 1]) {
      put(bytes.subarray(0, end))
      assert.deepEqual(await recover(), { kind: 'empty' }, `${end} bytes`)
    }
    put(new Uint8Array(5000))
    assert.deepEqual(await recover(), { kind: 'empty' })
  })

  it('says that a missing file is missing', async () => {
    assert.deepEqual(await recover(), { kind: 'missing' })
  })

  it('does not take another segment’s bytes for the file’s own', async () => {
    const other = space.build({
      clip: testClip({ seconds: 4, sizePx: '160x96' }),
      startUs,
      sequence: 8,
      isClosed: false,
    })
    put(other.bytes)
    assert.deepEqual(await recover(), { kind: 'empty' })

    // Stale fragments of another file behind ours.
    put(Buffer.concat([bytes.subarray(0, fragmentEnds[2]), other.bytes.subarray(other.headBytes)]))
    const result = await recover()
    assert.ok(result.kind === 'recovered')
    assert.equal(result.row.footerOffset, fragmentEnds[2])
  })
})
