// Measures Nightjar beside what people use today, in one run on one machine; BENCHMARKS.md tells how and what came out.
import { parseArgs } from 'node:util'
import { benchExport } from './export/export-bench.ts'
import { benchLive } from './live/live-bench.ts'
import { benchRecord } from './record/record-bench.ts'
import { makeReport } from './report.ts'
import { benchServer } from './server/server-bench.ts'
import { benchSnapshot } from './snapshot/snapshot-bench.ts'
import { benchStall } from './stall/stall-bench.ts'
import { benchTimeline } from './timeline/timeline-bench.ts'

const HELP = `usage: ./build.sh bench WHAT [options]
  record      recording, beside one ffmpeg a camera and beside a plain copier of sockets to files
  live        live pictures: how soon, how late, what a viewer costs, what one that hangs does
  snapshot    a picture of a keyframe, beside an ffmpeg started for it
  export      an hour as a movie: how soon it begins, what it costs, beside ffmpeg that joins the same files
  server      how late the server's thread is while cameras are recorded, how soon they are after a start with a year
  timeline    a month of 32 cameras over HTTP, from SQLite and from MariaDB
  stall       a disk that takes nothing for 5 s, and another beside it: what is lost on both; needs root
options
  --cameras N     how many (64; live 4, stall 16)
  --seconds S     length of each window of measuring (20); stall: after the stall (15)
  --rounds N      how often all are measured, every second time in the other order (2)
  --days N        server: days of footage in the index that a start finds (365)
  --only a,b      only these of what is compared
  --json          one JSON object a line
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    cameras: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string', default: '2' },
    days: { type: 'string', default: '365' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const [bench] = positionals
const report = makeReport(values.json)
const only = values.only?.split(',')
const seconds = Number(values.seconds ?? 20)
const rounds = Number(values.rounds)

switch (values.help ? undefined : bench) {
  case 'record':
    await benchRecord({ cameras: Number(values.cameras ?? 64), seconds, rounds, only }, report)
    break
  case 'live':
    await benchLive({ cameras: Number(values.cameras ?? 4), seconds, rounds }, report)
    break
  case 'snapshot':
    await benchSnapshot({ pictures: 20 * rounds }, report)
    break
  case 'export':
    await benchExport({ rounds }, report)
    break
  case 'server':
    await benchServer({ cameras: Number(values.cameras ?? 64), seconds, days: Number(values.days), only }, report)
    break
  case 'timeline':
    await benchTimeline(report)
    break
  case 'stall':
    await benchStall({ cameras: Number(values.cameras ?? 16), seconds: Number(values.seconds ?? 15) }, report)
    break
  default:
    process.stdout.write(HELP)
    process.exitCode = values.help ? 0 : 2
}
