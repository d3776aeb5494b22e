// The fault rig: `./build.sh faults [--runs N] [--seed S] [--json] [--trace]`.
//
// At least nine in ten runs are crash images: the recorder's parts on a disk in memory that loses power, and fails in
// other ways. The rest are real SIGKILLs of a recorder process with four cameras. Ends with status 1 where an invariant
// of server/recording/FORMAT.md was broken.
import { parseArgs } from 'node:util'
import { runKills } from './kills.ts'
import type { Problem, ProblemKind } from './oracle/check-space.ts'
import { readSpace } from './oracle/space-files.ts'
import { probeSegment } from './player-check.ts'
import { runScenario, type ScenarioResult } from './scenario.ts'

const HELP = `usage: ./build.sh faults [options]
  --runs N    how many runs (300): nine in ten or more are crash images, the rest real kills, 60 at most
  --seed S    number of the first run; the others follow. Without it one is drawn, and printed
  --json      ends with one line of JSON
  --trace     prints every call on the disk and every event, for looking into one crash image: --runs 1 --seed S --trace
`
const mostKills = 60
/** Of so many crash images one has its files shown to ffprobe. */
const probeEvery = 50
const progressMs = 5000

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    runs: { type: 'string', default: '300' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
    trace: { type: 'boolean' },
  },
})

if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

const runs = wholeNumber('--runs', values.runs)
const firstSeed = values.seed === undefined ? Date.now() % 1e9 : wholeNumber('--seed', values.seed)
const kills = Math.min(Math.floor(runs / 10), mostKills)
const crashImages = runs - kills

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  process.stderr.write(`${name}: ${text} is no whole number\n`)
  process.exit(2)
}

/** Promises of the recorder's that failed with nobody waiting: a bug, whatever it is. */
const unhandled: unknown[] = []
process.on('unhandledRejection', (error) => unhandled.push(error))

const counts: Record<ProblemKind, number> = { 'lost-committed': 0, unreadable: 0, 'wrong-deletion': 0, invariant: 0 }
const totals = { powerCuts: 0, processKills: 0, segments: 0, fragments: 0, deleted: 0, probed: 0 }
const faults = new Map<string, number>()
let failedRuns = 0

function note(what: string, replay: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return
  failedRuns++
  for (const { kind } of problems) counts[kind]++
  if (failedRuns > 20) return
  process.stderr.write(`\n${what} broke ${problems.length}:\n`)
  for (const problem of problems.slice(0, 5)) {
    process.stderr.write(`  ${problem.kind} (invariant ${problem.invariant}): ${problem.what}\n`)
  }
  process.stderr.write(`  again: ${replay}\n`)
}

async function probe(result: ScenarioResult): Promise<Problem[]> {
  const tree = result.disk.tree()
  for (const path of readSpace(tree, result.folder).segments.keys()) {
    totals.probed++
    const finding = await probeSegment(tree.read(`${result.folder}/${path}`)!)
    if (finding !== undefined) return [{ kind: 'unreadable', invariant: 8, what: `${path}: ${finding}` }]
  }
  return []
}

async function runCrashImages(): Promise<void> {
  let saidMs = performance.now()
  for (let i = 0; i < crashImages; i++) {
    const seed = firstSeed + i
    const result = await runScenario(seed, values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined)
    const problems = [...result.problems]
    for (const error of unhandled.splice(0)) {
      problems.push({ kind: 'invariant', invariant: 11, what: `nobody awaited this: ${String(error)}` })
    }
    if (i % probeEvery === 0 && problems.length === 0) problems.push(...(await probe(result)))
    totals.powerCuts += result.powerCuts
    totals.processKills += result.kills
    totals.segments += result.segments
    totals.fragments += result.fragments
    totals.deleted += result.deleted
    for (const name of result.faults) faults.set(name, (faults.get(name) ?? 0) + 1)
    note(`crash image ${seed}`, `./build.sh faults --runs 1 --seed ${seed} --trace`, problems)
    if (performance.now() - saidMs < progressMs) continue
    saidMs = performance.now()
    process.stderr.write(`${i + 1} of ${crashImages} crash images, ${failedRuns} failed\n`)
  }
}

process.stderr.write(`${crashImages} crash images from seed ${firstSeed} on, ${kills} kills\n`)
await runCrashImages()
const killed = await runKills(kills, firstSeed, (done) => process.stderr.write(`${done} of ${kills} kills\n`))
note('a kill', `./build.sh faults --runs ${runs} --seed ${firstSeed}`, killed.problems)

const table: [string, string | number][] = [
  ['crash images', crashImages],
  ['  power cuts in them', totals.powerCuts],
  ['  kills in them', totals.processKills],
  ['  segments written', totals.segments],
  ['  fragments found again', totals.fragments],
  ['  segments deleted by the rules', totals.deleted],
  ['  files shown to ffprobe', totals.probed],
  ...[...faults].sort().map(([name, times]): [string, number] => [`  lives with ${name}`, times]),
  ['real kills', killed.kills],
  ['  frames found again', killed.frames],
  ['  longest loss', `${killed.maxLossMs} ms`],
  ['lost committed', counts['lost-committed']],
  ['unreadable', counts.unreadable],
  ['wrong deletions', counts['wrong-deletion']],
  ['other invariants broken', counts.invariant],
]
for (const [name, value] of table) process.stdout.write(`${name.padEnd(34)}${String(value).padStart(10)}\n`)
if (values.json) {
  const summary = {
    runs,
    crashImages,
    kills: killed.kills,
    lostCommitted: counts['lost-committed'],
    unreadable: counts.unreadable,
    wrongDeletions: counts['wrong-deletion'],
    invariantsBroken: counts.invariant,
    maxKillLossMs: killed.maxLossMs,
  }
  process.stdout.write(`${JSON.stringify(summary)}\n`)
}
process.exitCode = failedRuns > 0 ? 1 : 0
