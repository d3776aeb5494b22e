// A recording space on disk, with segment files and marker, for tests that read folders.
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeMarker } from '../../server/recording/marker.ts'
import type { SegmentRow } from '../../server/recording/recorder-protocol.ts'
import { segmentPath } from '../../server/recording/segment-path.ts'
import { TestSpace, testClip } from './footage.ts'
import { makeTestFolder } from './test-folder.ts'

/** A recording space on disk, as the recorder leaves it. */
export class SpaceOnDisk {
  readonly id: string
  readonly serverId: string
  readonly folder: string
  readonly rows: SegmentRow[] = []
  readonly #clip = testClip({ seconds: 2, gop: 10 })
  #sequence = 0

  constructor(id = randomUUID() as string, serverId = randomUUID() as string, folder?: string) {
    this.id = id
    this.serverId = serverId
    this.folder = folder ?? join(makeTestFolder(), 'QVRProSpace_x')
    this.mark('proved')
  }

  mark(state: 'new' | 'proved', change: { space?: string; server?: string } = {}): void {
    mkdirSync(this.folder, { recursive: true })
    const marker = { format: 1, space: this.id, server: this.serverId, boot: 'boot', heartbeatMs: 1, state } as const
    writeFileSync(join(this.folder, '.nightjar-space'), writeMarker({ ...marker, ...change }))
  }

  /** Writes segments of one run, one after the other. */
  write(cameraId: string, segments: number, change: { startUs?: number; stream?: number; isClosed?: boolean } = {}) {
    const { startUs = 1_795_000_000_000_000, stream = 1, isClosed = true } = change
    const runId = randomBytes(8).toString('hex')
    const builder = Object.assign(new TestSpace(), { spaceId: this.id, serverId: this.serverId, cameraId })
    builder.remove()
    const written: SegmentRow[] = []
    for (let runIndex = 0; runIndex < segments; runIndex++) {
      const sequence = ++this.#sequence
      const built = builder.build({
        clip: this.#clip,
        startUs: startUs + runIndex * 2_000_000,
        runId,
        runIndex,
        sequence,
        stream,
        isClosed: isClosed || runIndex + 1 < segments,
      })
      const { kind } = built.row
      const path = segmentPath({ channelId: cameraId, stream, kind, startUs: built.row.startUs, runId, sequence })
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), built.bytes)
      written.push({ ...built.row, path })
    }
    this.rows.push(...written)
    return written
  }

  remove(row: SegmentRow): void {
    rmSync(join(this.folder, row.path))
  }
}
