// A worker thread with a connection of its own to the index: long queries, checkpoints and reconciling.
import { parentPort, workerData } from 'node:worker_threads'
import { checkpoint, type DatabasePlace, openKnex } from '../db/database.ts'
import { type ReconcileOrder, type ReconcileReport, reconcile } from './rebuild.ts'
import { readTimeline, type TimelineQuery } from './timeline.ts'

export interface IndexWorkerData {
  place: DatabasePlace
}

/** What the worker may be asked. */
export type IndexTask =
  | { type: 'timeline'; query: TimelineQuery }
  | { type: 'checkpoint' }
  | { type: 'reconcile'; order: ReconcileOrder }

/** What it answers with: the timeline as JSON in UTF-8, nothing, a report. */
export interface IndexAnswers {
  timeline: Uint8Array
  checkpoint: undefined
  reconcile: ReconcileReport
}

export type ToIndexWorker = { id: number; task: IndexTask } | 'abort'
export type FromIndexWorker =
  | { id: number; answer: unknown }
  | { id: number; error: { message: string; code: string; fatal: boolean } }

const port = parentPort!
const knex = openKnex((workerData as IndexWorkerData).place, { durability: 'NORMAL', hasForeignKeys: true })
const abortion = new AbortController()

async function run(task: IndexTask): Promise<unknown> {
  switch (task.type) {
    case 'timeline':
      return Buffer.from(JSON.stringify(await readTimeline(knex, task.query)), 'utf8')
    case 'checkpoint':
      return checkpoint(knex)
    case 'reconcile':
      return reconcile(knex, task.order, abortion.signal)
  }
}

port.on('message', async (message: ToIndexWorker) => {
  if (message === 'abort') {
    abortion.abort()
    await knex.destroy()
    port.close()
    return
  }
  const { id, task } = message
  try {
    const answer = await run(task)
    // A large answer is moved, not copied. Small buffers share one pool, which must not be moved away.
    const isMovable = answer instanceof Buffer && answer.byteLength === answer.buffer.byteLength
    port.postMessage({ id, answer } satisfies FromIndexWorker, isMovable ? [answer.buffer as ArrayBuffer] : [])
  } catch (error) {
    const { message: text, code = '', fatal = false } = error as { message: string; code?: string; fatal?: boolean }
    port.postMessage({ id, error: { message: text, code, fatal } } satisfies FromIndexWorker)
  }
})
