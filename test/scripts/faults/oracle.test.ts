import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import {
  checkSpace,
  type KnownSegment,
  type Problem,
  rowFrom,
  type SpaceExpectation,
} from '../../../scripts/faults/oracle/check-space.ts'
import type { FileTree } from '../../../scripts/faults/oracle/file-tree.ts'
import { readSegmentFile } from '../../../scripts/faults/oracle/segment-file.ts'
import {
  journalLine,
  markerFile,
  parsePath,
  readMarker,
  readSpace,
} from '../../../scripts/faults/oracle/space-files.ts'
import { Random } from '../../../scripts/faults/random.ts'
import { type BuiltSegment, buildSegment, exampleSegment } from '../../server/media/segment/segment-under-test.ts'

/** A tree of files by path. */
function treeOf(files: Map<string, Uint8Array>): FileTree {
  return {
    list: (folder) => {
      const entries = new Map<string, boolean>()
      for (const path of files.keys()) {
        if (!path.startsWith(`${folder}/`)) continue
        const [name, ...below] = path.slice(folder.length + 1).split('/')
        entries.set(name!, below.length > 0)
      }
      return entries.size === 0 ? undefined : [...entries].map(([name, isFolder]) => ({ name, isFolder }))
    },
    read: (path) => files.get(path),
  }
}

function pathOf({ head }: BuiltSegment): string {
  const iso = new Date(head.startUs / 1000).toISOString()
  const day = iso.slice(0, 10).replaceAll('-', '')
  const start = `${day}T${iso.slice(11, 23).replace(/[:.]/g, '')}Z`
  const folder = `${head.channelId}/${head.stream}-${head.kind}/${day}/${iso.slice(11, 13)}`
  return `${folder}/${start}-${head.runId}-${head.sequence}.mp4`
}

function knownOf(segment: BuiltSegment): KnownSegment {
  const { head } = segment
  return {
    path: pathOf(segment),
    sequence: head.sequence,
    channelId: head.channelId,
    channelName: head.channelName,
    stream: head.stream,
    kind: head.kind === 'normal' ? 1 : 2,
    runId: head.runId,
    runIndex: head.runIndex,
    mustHave: readSegmentFile(segment.closed).fragments.map(({ number, utcUs, flags, data }) => {
      return { number, utcUs, flags, data: data.slice() }
    }),
    mayHave: [],
    mayBeGone: false,
  }
}

/** A space with one closed segment of five fragments, that the index knows. */
class Space {
  readonly segment: BuiltSegment
  readonly path: string
  readonly files = new Map<string, Uint8Array>()
  readonly expected: SpaceExpectation

  constructor(seed = 1) {
    this.segment = buildSegment(new Random(seed), { fragments: 5, hasAudio: true })
    const { head, closed } = this.segment
    this.path = pathOf(this.segment)
    const marker = { space: head.spaceId, server: head.serverId, boot: head.bootId, heartbeatMs: 1, state: 'proved' }
    this.files.set('/s/.nightjar-space', markerFile(marker))
    this.files.set(`/s/${this.path}`, closed.slice())
    this.journal({ reserve: head.sequence + 256 })
    this.expected = {
      serverId: head.serverId,
      spaceId: head.spaceId,
      known: [knownOf(this.segment)],
      isClosed: true,
      rows: [rowFrom(this.path, readSegmentFile(closed))],
      hasLostEvents: false,
      strangers: new Map(),
      readStranger: (path) => this.files.get(path),
    }
  }

  get bytes(): Buffer {
    return Buffer.from(this.files.get(`/s/${this.path}`)!)
  }

  set bytes(bytes: Uint8Array) {
    this.files.set(`/s/${this.path}`, bytes)
  }

  journal(...records: object[]): void {
    const before = Buffer.from(this.files.get('/s/journal/1.log') ?? [])
    this.files.set('/s/journal/1.log', Buffer.concat([before, Buffer.from(records.map(journalLine).join(''))]))
  }

  check(expected: Partial<SpaceExpectation> = {}): Problem[] {
    return checkSpace(readSpace(treeOf(this.files), '/s'), { ...this.expected, ...expected })
  }
}

/** Bytes of a file with the CRC of the fragment at `offset` made right again, as a writer in error would. */
function resealed(space: Space, bytes: Buffer, fragment: number): Buffer {
  const { offset, dataAt } = space.segment.fragments[fragment]!
  const crc = crc32(bytes.subarray(offset, offset + 60), space.segment.seed)
  bytes.writeUInt32BE(crc32(bytes.subarray(offset + 64, dataAt), crc), offset + 60)
  return bytes
}

const damages: [string, Problem['kind'], (space: Space) => void][] = [
  [
    'a byte of data that differs',
    'unreadable',
    (space) => {
      const { bytes } = space
      bytes[space.segment.fragments[2]!.dataAt]! ^= 1
      space.bytes = bytes
    },
  ],
  [
    'a fragment that was cut away',
    'lost-committed',
    (space) => {
      space.bytes = space.bytes.subarray(0, space.segment.fragments[4]!.offset)
    },
  ],
  ['a file that is gone', 'lost-committed', (space) => space.files.delete(`/s/${space.path}`)],
  [
    'a missing footer',
    'unreadable',
    (space) => {
      space.bytes = space.segment.open
    },
  ],
  [
    'bytes after the end',
    'unreadable',
    (space) => {
      space.bytes = Buffer.concat([space.bytes, Buffer.alloc(3)])
    },
  ],
  [
    'a footer of another time',
    'unreadable',
    (space) => {
      const { bytes } = space
      bytes[space.segment.open.length + 56]! ^= 1
      const footerEnd = space.segment.open.length + space.segment.footerBytes
      const crc = crc32(bytes.subarray(space.segment.open.length, footerEnd - 12), space.segment.seed)
      bytes.writeUInt32BE(crc, footerEnd - 12)
      space.bytes = bytes
    },
  ],
  [
    'UTC that runs back',
    'invariant',
    (space) => {
      const { bytes } = space
      bytes.writeBigInt64BE(1n, space.segment.fragments[3]!.offset + 28)
      space.bytes = resealed(space, bytes, 3)
    },
  ],
  [
    'a fragment that nobody wrote there',
    'invariant',
    (space) => {
      const { bytes } = space
      const { offset } = space.segment.fragments[4]!
      bytes.writeUInt32BE(9, offset + 36)
      bytes.writeUInt32BE(10, offset + 64 + 20)
      space.bytes = resealed(space, bytes, 4)
    },
  ],
  [
    'a claim to be safe beyond its own start',
    'unreadable',
    (space) => {
      const { bytes } = space
      const { offset } = space.segment.fragments[1]!
      bytes.writeBigUInt64BE(BigInt(offset + 1), offset + 44)
      space.bytes = resealed(space, bytes, 1)
    },
  ],
  [
    'a file under the name of another run',
    'invariant',
    (space) => {
      const other = space.path.replace(/-[0-9a-f]{16}-/, '-ffffffffffffffff-')
      space.files.set(`/s/${other}`, space.bytes)
      space.files.delete(`/s/${space.path}`)
    },
  ],
  [
    'two files with one number',
    'invariant',
    (space) => {
      space.files.set(`/s/${space.path.replace(/\d{3}Z/, '001Z')}`, space.bytes)
    },
  ],
  [
    'a number beyond the reserved ones',
    'invariant',
    (space) => {
      space.files.delete('/s/journal/1.log')
      space.journal({ reserve: space.segment.head.sequence })
    },
  ],
  [
    'a closed file in the open list',
    'invariant',
    (space) => {
      space.journal({ open: space.path, seq: space.segment.head.sequence })
    },
  ],
  [
    'a tombstone whose file is there',
    'invariant',
    (space) => {
      space.journal({ tombstone: space.path, seq: space.segment.head.sequence, bytes: 1 })
    },
  ],
  [
    'a file without a row',
    'invariant',
    (space) => {
      space.expected.rows = []
    },
  ],
  [
    'a row without a file',
    'invariant',
    (space) => {
      space.expected.rows!.push({ ...space.expected.rows![0]!, path: 'elsewhere', sequence: 1 })
    },
  ],
  [
    'a row that counts other samples',
    'invariant',
    (space) => {
      space.expected.rows![0]!.videoSamples++
    },
  ],
  [
    "a file that is nobody's",
    'invariant',
    (space) => {
      space.files.set(`/s/${space.path}.part`, Uint8Array.of(1))
    },
  ],
  [
    "another's file that changed",
    'wrong-deletion',
    (space) => {
      space.files.set('/s/notes.txt', Uint8Array.of(1))
      space.expected.strangers = new Map([['/s/notes.txt', Uint8Array.of(2)]])
    },
  ],
  [
    "another's file that is gone",
    'wrong-deletion',
    (space) => {
      space.expected.strangers = new Map([['/s/notes.txt', Uint8Array.of(2)]])
    },
  ],
]

describe('the oracle', () => {
  it('has nothing to say of a space where all is well', () => {
    for (let seed = 0; seed < 50; seed++) assert.deepEqual(new Space(seed).check(), [])
  })

  for (const [name, kind, damage] of damages) {
    it(`sees ${name}`, () => {
      const space = new Space()

      damage(space)

      const kinds = space.check().map((problem) => problem.kind)
      assert.ok(kinds.includes(kind), `found ${kinds.join(', ') || 'nothing'}`)
    })
  }

  it('lets a file be gone that was deleted by the rules', () => {
    const space = new Space()
    space.files.delete(`/s/${space.path}`)

    const problems = space.check({ known: [{ ...knownOf(space.segment), mayBeGone: true }], rows: [] })

    assert.deepEqual(problems, [])
  })

  it('lets a fragment be missing that was never safe, but not be another', () => {
    const space = new Space()
    const known = knownOf(space.segment)
    const last = known.mustHave.pop()!
    const changed = { ...last, data: new Uint8Array(last.data.length) }

    assert.deepEqual(space.check({ known: [{ ...known, mayHave: [last] }] }), [])
    assert.equal(space.check({ known: [{ ...known, mayHave: [changed] }] })[0]?.kind, 'unreadable')
  })

  it('reads the worked example of the format without a complaint', () => {
    const found = readSegmentFile(exampleSegment().closed)

    assert.deepEqual(found.problems, [])
    assert.equal(found.endOffset, 1476)
    assert.equal(found.head?.channelName, 'Gate')
  })

  it('skips journal lines that are torn', () => {
    const space = new Space()
    const line = journalLine({ open: space.path, seq: 1 })
    const torn = Buffer.concat([space.files.get('/s/journal/1.log')!, Buffer.from(`${line.slice(0, 30)}\n`)])
    space.files.set('/s/journal/1.log', torn)

    assert.deepEqual(space.check(), [])
  })

  it('knows a marker, and says what is wrong with any other file', () => {
    const good = Buffer.from(new Space().files.get('/s/.nightjar-space')!)
    const flipped = Buffer.from(good)
    flipped[20]! ^= 1

    assert.equal(typeof readMarker(good), 'object')
    assert.equal(readMarker(undefined), 'missing')
    assert.equal(readMarker(good.subarray(1)), '511 bytes')
    assert.equal(readMarker(flipped), 'CRC differs')
  })

  it('knows a segment by its path, and nothing else', () => {
    const { path } = new Space()

    assert.equal(parsePath(path)?.channelId, path.slice(0, 36))
    for (const odd of [`${path}.part`, path.replace('.mp4', '.mov'), path.slice(1), path.replace(/\/\d\d\//, '/9/')]) {
      assert.equal(parsePath(odd), undefined, odd)
    }
  })
})
