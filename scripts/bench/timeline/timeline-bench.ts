// A month's timeline of 32 cameras, as the desktop asks for it: over HTTP, logged in, from each kind of database.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { timeline as timelineSchema } from '../../../shared/recording.ts'
import { quantile } from '../quantile.ts'
import { type Report, rounded } from '../report.ts'
import { ServerProcess, serverEnvironment } from '../server-process.ts'
import { withWorkFolder } from '../work-folder.ts'
import { fillMonth, type Month } from './month-of-runs.ts'
import { withMariaDb } from './private-mariadb.ts'

const warmUps = 10
const requests = 50

const budgetsMs = { sqlite: 15, mariadb: 40 }

export async function benchTimeline(report: Report): Promise<void> {
  await withWorkFolder(async (folder) => {
    await measure('sqlite', serverEnvironment(placeIn(folder, 'sqlite')), report)
    await withMariaDb(async (url) => {
      const database = { NIGHTJAR_DATABASE_URL: url('bench') }
      await measure('mariadb', serverEnvironment(placeIn(folder, 'mariadb'), database), report)
    })
  })
}

function placeIn(folder: string, name: string): string {
  const place = path.join(folder, name)
  mkdirSync(path.join(place, 'data'), { recursive: true })
  return place
}

async function measure(kind: keyof typeof budgetsMs, env: Record<string, string>, report: Report): Promise<void> {
  const month = await fillMonth(env)
  report.tell(`${kind}: ${month.runs} runs of ${month.cameraIds.length} cameras are in the index`)
  const server = await ServerProcess.start(env)
  try {
    const { client } = server
    const url = new URL(`api/timeline?${queryOf(month)}`, client.url)
    const times: number[] = []
    let text = ''
    for (let request = 0; request < warmUps + requests; request++) {
      const began = performance.now()
      const response = await fetch(url, { headers: { cookie: client.cookie } })
      text = await response.text()
      const tookMs = performance.now() - began
      if (response.status !== 200) throw new Error(`timeline: ${response.status} ${text}`)
      if (request >= warmUps) times.push(tookMs)
    }
    const { tracks } = timelineSchema.parse(JSON.parse(text))
    const spans = tracks.reduce((sum, track) => sum + track.spans.length / 2, 0)
    if (spans !== month.runs) throw new Error(`${kind}: the timeline shows ${spans} spans of ${month.runs}`)
    report.row({
      metric: `timeline-${kind}`,
      medianMs: rounded(quantile(times, 0.5), 2),
      p90Ms: rounded(quantile(times, 0.9), 2),
      spans,
      bytes: Buffer.byteLength(text),
      budgetMs: budgetsMs[kind],
    })
  } finally {
    await server.stop()
  }
}

function queryOf({ cameraIds, fromMs, toMs }: Month): URLSearchParams {
  return new URLSearchParams({ cameras: cameraIds.join(','), fromMs: String(fromMs), toMs: String(toMs) })
}
