import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { NodeDisk } from '../../../server/recording/disk.ts'
import { Journal, type JournalRecord } from '../../../server/recording/journal.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const segment = (seq: number) =>
  `33333333-3333-4333-8333-333333333333/1-normal/20261122/12/20261122T1203040${String(seq).padStart(2, '0')}Z-0123456789abcdef-${seq}.mp4`

const disk = new NodeDisk()
const files = (folder: string) => readdirSync(join(folder, 'journal')).sort()
const newestFile = (folder: string) => join(folder, 'journal', files(folder).at(-1)!)

async function withRecords(records: JournalRecord[], folder = makeTestFolder()): Promise<string> {
  const journal = await Journal.open(disk, `${folder}/journal`)
  for (const record of records) journal.append(record)
  await journal.close()
  return folder
}

async function stateOf(folder: string) {
  const journal = await Journal.open(disk, `${folder}/journal`)
  await journal.close()
  return journal.state
}

describe('journal', () => {
  it('adds its records up over a restart', async () => {
    const folder = await withRecords([
      { used: 1000 },
      { reserve: 512 },
      { open: segment(1), seq: 1 },
      { open: segment(2), seq: 2 },
      { closed: segment(1), bytes: 500 },
      { tombstone: segment(1), seq: 1, bytes: 500 },
      { tombstone: segment(0), seq: 0, bytes: 300 },
      { gone: segment(0) },
      { lock: 'l1', channel: 'c', fromUs: 1, toUs: 2 },
      { lock: 'l2', channel: 'c', fromUs: 3, toUs: 4 },
      { unlock: 'l1' },
      { channel: 'c', name: 'Gate “A”' },
      { stepped: 1 },
    ])

    const state = await stateOf(folder)

    assert.equal(state.reserved, 512)
    assert.deepEqual([...state.open], [[segment(2), 2]])
    assert.deepEqual([...state.tombstones.entries()].sort(), [
      [segment(0), { seq: 0, bytes: 300, isGone: true }],
      [segment(1), { seq: 1, bytes: 500, isGone: false }],
    ])
    assert.equal(state.closedBytes, 1000 + 500 - 300)
    assert.deepEqual([...state.locks.keys()], ['l2'])
    assert.deepEqual([...state.channels], [['c', 'Gate “A”']])
    assert.equal(state.hasStepped, true)
    assert.deepEqual(await stateOf(folder), state)
  })

  it('begins a new file at each start, and removes the older ones', async () => {
    const folder = await withRecords([{ reserve: 1 }])
    const [first] = files(folder)
    await stateOf(folder)

    assert.equal(files(folder).length, 1)
    assert.notEqual(files(folder)[0], first)
  })

  it('is lines of a CRC-32 and JSON, padded with spaces (FORMAT.md §7)', async () => {
    const folder = await withRecords([{ used: 7 }])

    const lines = readFileSync(newestFile(folder), 'latin1').trimEnd().split('\n')

    assert.deepEqual(
      lines.map((line) => /^[0-9a-f]{8} (\{.*\})$/.exec(line)?.[1]),
      ['{"reserve":0}', '{"used":7}'],
    )
    assert.ok(Buffer.byteLength(lines[0]!) > 0)
  })

  it('skips a torn line and what is damaged, and takes the rest', async () => {
    const folder = await withRecords([{ reserve: 100 }, { channel: 'a', name: 'A' }, { channel: 'b', name: 'B' }])
    const path = newestFile(folder)
    const text = readFileSync(path, 'latin1').trimEnd()
    const damaged = text.replace('"name":"A"', '"name":"X"')
    writeFileSync(path, `${damaged}\n1234 nonsense\n\0\0\0\n${text.split('\n').at(-1)!.slice(0, 20)}`)

    const state = await stateOf(folder)

    assert.equal(state.reserved, 100)
    assert.deepEqual([...state.channels], [['b', 'B']])
  })

  it('reads the same whatever of a torn last line is there', async () => {
    const folder = await withRecords([{ reserve: 100 }, { channel: 'b', name: 'B' }])
    const whole = readFileSync(newestFile(folder))
    const lastLine = whole.lastIndexOf(10, whole.lastIndexOf(10) - 1) + 1
    for (let end = lastLine; end < whole.lastIndexOf(10); end += 3) {
      const torn = makeTestFolder()
      await withRecords([], torn)
      writeFileSync(newestFile(torn), whole.subarray(0, end))

      const state = await stateOf(torn)

      assert.equal(state.reserved, 100)
      assert.equal(state.channels.size, 0)
    }
  })

  it('reads two files where a start was cut short before the older one was removed', async () => {
    const folder = await withRecords([{ used: 100 }, { open: segment(1), seq: 1 }])
    const older = readFileSync(newestFile(folder))
    const olderName = files(folder)[0]!
    await withRecords([{ closed: segment(1), bytes: 50 }], folder)
    writeFileSync(join(folder, 'journal', olderName), older)

    const state = await stateOf(folder)

    assert.equal(state.open.size, 0)
    assert.equal(state.closedBytes, 150)
    assert.equal(files(folder).length, 1)
  })

  it('begins a new file past 1 MiB, and forgets nothing', async () => {
    const folder = makeTestFolder()
    const journal = await Journal.open(disk, `${folder}/journal`)
    const [first] = files(folder)
    journal.append({ open: segment(1), seq: 1 })
    for (let i = 0; i < 30_000; i++) {
      journal.append({ channel: `c${i % 10}`, name: `name ${i}` })
      if (i % 1000 === 0) await journal.sync()
    }
    await journal.sync()

    assert.equal(files(folder).length, 1)
    assert.notEqual(files(folder)[0], first)
    await journal.close()
    const state = await stateOf(folder)
    assert.deepEqual([...state.open.keys()], [segment(1)])
    assert.equal(state.channels.get('c9'), 'name 29999')
  })

  it('shares one sync between calls that come together, and each waits for its own records', async () => {
    let syncs = 0
    class CountingDisk extends NodeDisk {
      override sync(file: number): Promise<void> {
        syncs++
        return super.sync(file)
      }
    }
    const folder = makeTestFolder()
    const journal = await Journal.open(new CountingDisk(), `${folder}/journal`)
    syncs = 0
    const waits: Promise<void>[] = []
    for (let i = 0; i < 50; i++) {
      journal.append({ channel: `c${i}`, name: 'x' })
      waits.push(journal.sync())
    }
    await Promise.all(waits)

    assert.equal(syncs, 2)
    await journal.close()
    assert.equal((await stateOf(folder)).channels.size, 50)
  })

  it('keeps what a failed sync could not write, and writes it with the next', async () => {
    let isBroken = false
    class BrokenDisk extends NodeDisk {
      override write(...args: Parameters<NodeDisk['write']>): Promise<void> {
        return isBroken ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : super.write(...args)
      }
    }
    const folder = makeTestFolder()
    const journal = await Journal.open(new BrokenDisk(), `${folder}/journal`)
    isBroken = true
    journal.append({ channel: 'a', name: 'A' })
    await assert.rejects(journal.sync())
    isBroken = false
    journal.append({ channel: 'b', name: 'B' })
    await journal.close()

    assert.deepEqual([...(await stateOf(folder)).channels.keys()], ['a', 'b'])
  })

  it('lets nothing be begun on a full disk once only the room for tombstones is left', async () => {
    let isFull = false
    /** The journal's pad has its blocks already; what would need more finds none. */
    class FullDisk extends NodeDisk {
      override write(...args: Parameters<NodeDisk['write']>): Promise<void> {
        const [, , start, end, position] = args
        const fits = !isFull || position + end - start <= 66_000
        return fits ? super.write(...args) : Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }))
      }
    }
    const folder = makeTestFolder()
    const journal = await Journal.open(new FullDisk(), `${folder}/journal`)
    isFull = true
    let begun = 0

    await assert.rejects(async () => {
      for (;;) {
        await journal.makeRoom()
        journal.append({ open: segment(begun), seq: begun })
        journal.append({ closed: segment(begun), bytes: 0 })
        await journal.sync()
        begun++
      }
    }, /no room for the journal/)
    for (let seq = 0; seq < 64; seq++) journal.append({ tombstone: segment(seq), seq, bytes: 1 })
    await journal.sync()

    assert.ok(begun > 64 && begun < 200, `${begun} were begun`)
    isFull = false
    await journal.makeRoom()
    await journal.close()
    assert.equal((await stateOf(folder)).tombstones.size, 64)
  })

  it('adds up to the same, wherever it was restarted', async () => {
    const record: fc.Arbitrary<JournalRecord> = fc.oneof(
      fc.nat(9).map((n) => ({ open: segment(n), seq: n })),
      fc.record({ closed: fc.nat(9).map(segment), bytes: fc.nat(1000) }),
      fc.nat(9).map((n) => ({ tombstone: segment(n), seq: n, bytes: n })),
      fc.nat(9).map((n) => ({ gone: segment(n) })),
      fc.nat(9).map((n) => ({ forget: segment(n) })),
      fc.record({ channel: fc.constantFrom('a', 'b'), name: fc.string() }),
      fc.nat(1000).map((reserve) => ({ reserve })),
      fc.nat(10_000).map((used) => ({ used })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 30 }), fc.nat(30), async (records, at) => {
        const whole = await stateOf(await withRecords(records))
        const parted = await withRecords(records.slice(0, at))
        await withRecords(records.slice(at), parted)

        assert.deepEqual(await stateOf(parted), whole)
      }),
      { numRuns: 15 },
    )
  })

  it('takes names that are no journal file for nothing', async () => {
    const folder = await withRecords([{ reserve: 9 }])
    appendFileSync(join(folder, 'journal', 'note.txt'), 'x')
    truncateSync(newestFile(folder).replace(/\d+\.log$/, 'note.txt'), 0)

    assert.equal((await stateOf(folder)).reserved, 9)
    assert.ok(files(folder).includes('note.txt'))
  })
})
