// Measures Nightjar beside what people use today, in one run on one machine; BENCHMARKS.md tells how and what came out.
import { parseArgs } from 'node:util'
import { benchRecord } from './record/record-bench.ts'
import { makeReport } from './report.ts'

const HELP = `usage: ./build.sh bench record [options]
  record      recording, beside one ffmpeg a camera and beside a plain copier of sockets to files
options
  --cameras N     how many (64)
  --seconds S     length of each window of measuring (20)
  --rounds N      how often all are measured, every second time in the other order (2)
  --only a,b      only these of what is compared
  --json          one JSON object a line
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    cameras: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '2' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const [bench] = positionals
const report = makeReport(values.json)
const only = values.only?.split(',')
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

switch (values.help ? undefined : bench) {
  case 'record':
    await benchRecord({ cameras: Number(values.cameras ?? 64), seconds, rounds, only }, report)
    break
  default:
    process.stdout.write(HELP)
    process.exitCode = values.help ? 0 : 2
}
