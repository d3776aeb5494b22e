import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { NodeDisk } from '../../../server/recording/disk.ts'
import { Journal } from '../../../server/recording/journal.ts'
import { type Removed, Retention } from '../../../server/recording/retention.ts'
import { segmentPath } from '../../../server/recording/segment-path.ts'
import { segmentFiles, sequenceOf } from '../../support/recording-rig.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const gate = '33333333-3333-4333-8333-333333333333'
const yard = '44444444-3333-4333-8333-333333333333'
const noon = Date.UTC(2026, 10, 22, 12) * 1000
const minute = 60e6
const fileBytes = 100

interface Made {
  sequence: number
  startUs: number
  channelId?: string
  stream?: number
}

/** Stops the process, as it were, after so many steps that change the disk. */
class Stopped extends Error {}
class StoppingDisk extends NodeDisk {
  stepsLeft = Number.POSITIVE_INFINITY

  #step(): void {
    if (this.stepsLeft-- <= 0) throw new Stopped('stopped')
  }

  override async write(...args: Parameters<NodeDisk['write']>): Promise<void> {
    this.#step()
    await super.write(...args)
  }
  onStat: () => void = () => undefined

  override stat(...args: Parameters<NodeDisk['stat']>): ReturnType<NodeDisk['stat']> {
    this.onStat()
    return super.stat(...args)
  }
  override async unlink(path: string): Promise<void> {
    this.#step()
    await super.unlink(path)
  }
  override async removeFolder(path: string): Promise<void> {
    this.#step()
    await super.removeFolder(path)
  }
  override async syncFolder(path: string): Promise<void> {
    this.#step()
    await super.syncFolder(path)
  }
}

class Space {
  readonly folder = makeTestFolder()
  readonly disk = new StoppingDisk()
  readonly reports: Removed[] = []
  journal!: Journal
  retention!: Retention
  isRightDisk = true

  async open(): Promise<this> {
    this.journal = await Journal.open(this.disk, `${this.folder}/journal`)
    this.retention = new Retention({
      disk: this.disk,
      folder: this.folder,
      journal: this.journal,
      report: (removed) => this.reports.push(removed),
      prove: async () => {
        if (!this.isRightDisk) throw new Error('another disk')
      },
    })
    return this
  }

  make({ sequence, startUs, channelId = gate, stream = 1 }: Made, bytes = fileBytes): string {
    const path = segmentPath({ channelId, stream, kind: 'normal', startUs, runId: '0123456789abcdef', sequence })
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), new Uint8Array(bytes))
    return path
  }

  left(): number[] {
    return segmentFiles(this.folder).map(sequenceOf)
  }

  removed(): number[] {
    return this.reports.flatMap(({ sequences }) => sequences)
  }
}

describe('retention', () => {
  let space: Space

  beforeEach(async () => {
    space = await new Space().open()
  })

  it('removes the oldest first, over all streams, by sequence number', async () => {
    for (let i = 0; i < 12; i++) {
      const channelId = i % 3 === 0 ? yard : gate
      space.make({ sequence: 20 + i, startUs: noon + i * 7 * minute, channelId, stream: 1 + (i % 2) })
    }

    const freed = await space.retention.removeOldest(5 * fileBytes)

    assert.equal(freed, 5 * fileBytes)
    assert.deepEqual(space.left(), [25, 26, 27, 28, 29, 30, 31])
    assert.deepEqual(space.removed(), [20, 21, 22, 23, 24])
  })

  it('does not take a newer one for the oldest that was closed while it chose', async () => {
    const long = space.make({ sequence: 21, startUs: noon, channelId: yard })
    space.journal.append({ open: long, seq: 21 })
    for (const sequence of [20, 22, 23, 24]) space.make({ sequence, startUs: noon + sequence * minute })
    // The third file is looked at: by then the long one, passed over as open, has been closed.
    let looks = 0
    space.disk.onStat = () => {
      if (++looks === 3) space.journal.append({ closed: long, bytes: fileBytes })
    }

    const freed = await space.retention.removeOldest(3 * fileBytes)
    assert.equal(freed, fileBytes)
    assert.deepEqual(space.removed(), [20])
    await space.retention.removeOldest(2 * fileBytes)

    assert.deepEqual(space.removed(), [20, 21, 22])
  })

  it('orders by sequence number also among segments of one hour whose times run back', async () => {
    for (const [sequence, minutes] of [
      [5, 30],
      [6, 20],
      [7, 10],
      [8, 40],
    ] as const) {
      space.make({ sequence, startUs: noon + minutes * minute })
    }

    await space.retention.removeOldest(2 * fileBytes)

    assert.deepEqual(space.left(), [7, 8])
  })

  it('does not take what a clock that stepped back wrote for the oldest', async () => {
    for (let i = 0; i < 5; i++) space.make({ sequence: 10 + i, startUs: noon + i * 60 * minute })
    space.journal.append({ stepped: 1 })
    for (let i = 0; i < 5; i++)
      space.make({ sequence: 15 + i, startUs: noon - 1000 * 24 * 60 * minute + i * 60 * minute })

    await space.retention.removeOldest(5 * fileBytes)

    assert.deepEqual(space.left(), [15, 16, 17, 18, 19])
  })

  it('never removes what is open, locked or pinned', async () => {
    const paths = Array.from({ length: 8 }, (_, i) => space.make({ sequence: i, startUs: noon + i * 60 * minute * 3 }))
    space.journal.append({ open: paths[0]!, seq: 0 })
    space.retention.setPins(new Set([1]))
    space.journal.append({
      lock: 'a',
      channel: gate,
      fromUs: noon + 6 * 60 * minute + minute,
      toUs: noon + 6 * 60 * minute + 2 * minute,
    })
    space.journal.append({ lock: 'b', channel: yard, fromUs: 0, toUs: noon * 2 })

    await space.retention.removeOldest(100 * fileBytes)

    assert.deepEqual(space.left(), [0, 1, 2])
    assert.equal(await space.retention.removeOldest(fileBytes), 0)
  })

  it('removes what is pinned no more, and minds pins that came since it looked', async () => {
    for (let i = 0; i < 6; i++) space.make({ sequence: i, startUs: noon + i * minute })
    space.retention.setPins(new Set([0]))
    await space.retention.removeOldest(fileBytes)
    assert.deepEqual(space.left(), [0, 2, 3, 4, 5])
    space.retention.setPins(new Set([2]))

    await space.retention.removeOldest(2 * fileBytes)

    assert.deepEqual(space.left(), [2, 4, 5])
  })

  it('removes the folders it empties, but for those of the newest hour', async () => {
    for (let i = 0; i < 4; i++) space.make({ sequence: i, startUs: noon + i * 20 * 60 * minute })
    await space.retention.removeOldest(3 * fileBytes)
    const below = join(space.folder, gate, '1-normal')
    assert.deepEqual(readdirSync(below), ['20261125'])

    await space.retention.removeOldest(fileBytes)

    assert.deepEqual(space.left(), [])
    assert.deepEqual(readdirSync(join(below, '20261125')).length, 1)
  })

  it('leaves files of any other name alone, and the folders they are in', async () => {
    const path = space.make({ sequence: 1, startUs: noon })
    space.make({ sequence: 2, startUs: noon + 24 * 60 * minute })
    const other = join(space.folder, dirname(path), 'holiday.mp4')
    writeFileSync(other, 'x')
    mkdirSync(join(space.folder, 'my-folder/1-normal/20261122/12'), { recursive: true })
    writeFileSync(join(space.folder, 'my-folder/1-normal/20261122/12', path.split('/').at(-1)!), 'x')

    await space.retention.removeOldest(100 * fileBytes)

    assert.ok(existsSync(other))
    assert.ok(existsSync(join(space.folder, 'my-folder')))
    assert.deepEqual(space.removed(), [1, 2])
  })

  it('removes one channel’s footage whole, and no other’s', async () => {
    for (let i = 0; i < 80; i++)
      space.make({ sequence: i, startUs: noon + i * 11 * minute, channelId: i % 4 === 0 ? yard : gate })

    await space.retention.removeChannel(gate)

    assert.deepEqual(
      space.left(),
      Array.from({ length: 20 }, (_, i) => i * 4),
    )
    assert.equal(new Set(space.removed()).size, 60)
  })

  it('passes over a name that leads nowhere', async () => {
    const path = space.make({ sequence: 1, startUs: noon })
    rmSync(join(space.folder, path))
    symlinkSync('nowhere', join(space.folder, path))
    space.make({ sequence: 2, startUs: noon + minute })

    assert.equal(await space.retention.removeOldest(5 * fileBytes), fileBytes)
    assert.deepEqual(space.removed(), [2])
  })

  it('deletes at most 32 in a round', async () => {
    for (let i = 0; i < 50; i++) space.make({ sequence: i, startUs: noon + i * minute })

    assert.equal(await space.retention.removeOldest(50 * fileBytes), 32 * fileBytes)
  })

  it('unlinks nothing on a disk that is not ours, and reports nothing', async () => {
    space.make({ sequence: 1, startUs: noon })
    space.isRightDisk = false
    rmSync(join(space.folder, gate), { recursive: true })

    await space.retention.removeOldest(fileBytes).catch(() => undefined)

    assert.deepEqual(space.reports, [])
  })

  it('counts all closed footage, locked and pinned too', async () => {
    const paths = Array.from({ length: 5 }, (_, i) =>
      space.make({ sequence: i, startUs: noon + i * 90 * minute }, 10 ** i),
    )
    space.journal.append({ open: paths[4]!, seq: 4 })
    space.retention.setPins(new Set([0]))

    assert.equal(await space.retention.countBytes(), 1 + 10 + 100 + 1000)
  })

  it('reports again after a restart until the index has acknowledged', async () => {
    for (let i = 0; i < 3; i++) space.make({ sequence: i, startUs: noon + i * minute })
    await space.retention.removeOldest(2 * fileBytes)
    space.retention.forget([0])
    await space.journal.close()
    space.reports.length = 0

    await space.open()
    await space.retention.finishStarted()

    assert.deepEqual(space.removed(), [1])
    space.retention.forget([1])
    assert.equal(space.journal.state.tombstones.size, 0)
  })

  it('is finished by the next start wherever it is stopped, and never takes more than it meant to', async () => {
    let steps = 0
    for (let isWhole = false; !isWhole; steps++) {
      const one = await new Space().open()
      for (let i = 0; i < 6; i++) one.make({ sequence: i, startUs: noon + i * 13 * 60 * minute })
      one.disk.stepsLeft = steps
      isWhole = await one.retention.removeOldest(4 * fileBytes).then(
        () => true,
        (error) => {
          assert.ok(error instanceof Stopped, String(error))
          return false
        },
      )
      one.disk.stepsLeft = Number.POSITIVE_INFINITY
      const before = one.left()
      // What is gone has a tombstone that names it, or was reported.
      for (let i = 0; i < 4; i++) {
        if (before.includes(i)) continue
        const isNamed = [...one.journal.state.tombstones.values()].some(({ seq }) => seq === i)
        assert.ok(isNamed, `stopped after ${steps} steps: ${i} vanished`)
      }

      await one.open()
      await one.retention.finishStarted()

      const left = one.left()
      assert.ok(
        [4, 5].every((sequence) => left.includes(sequence)),
        `stopped after ${steps} steps: ${left}`,
      )
      const gone = [0, 1, 2, 3].filter((sequence) => !left.includes(sequence))
      assert.deepEqual([...new Set(one.removed())].sort(), gone, `stopped after ${steps} steps`)
      const named = [...one.journal.state.tombstones.values()].map(({ seq }) => seq).sort()
      assert.deepEqual(named, gone)
      one.retention.forget(gone)
      await one.journal.close()
    }
    assert.ok(steps > 8, `${steps} steps`)
  })

  it('removes in the order of the numbers, whatever the clock did', async () => {
    const segments = fc.array(
      fc.record({
        hours: fc.integer({ min: -50, max: 50 }),
        channel: fc.boolean(),
        stream: fc.integer({ min: 1, max: 2 }),
      }),
      { minLength: 1, maxLength: 25 },
    )
    await fc.assert(
      fc.asyncProperty(segments, fc.integer({ min: 1, max: 25 }), async (made, count) => {
        const one = await new Space().open()
        one.journal.append({ stepped: 1 })
        for (const [sequence, { hours, channel, stream }] of made.entries()) {
          one.make({ sequence, startUs: noon + hours * 60 * minute, channelId: channel ? gate : yard, stream })
        }

        for (let i = 0; i < count; i++) await one.retention.removeOldest(fileBytes)

        assert.deepEqual(one.left(), made.map((_, i) => i).slice(count))
        await one.journal.close()
      }),
      { numRuns: 15 },
    )
  })
})
