// Makes and examines packages for QTS: `scripts/node scripts/qpkg/main.ts pack|check`.
import { parseArgs } from 'node:util'
import { Failure } from '../../shared/failure.ts'
import { check } from './check.ts'
import { machines, pack } from './pack.ts'
import { parseAddition } from './source-tree.ts'

const usage = `usage: scripts/node scripts/qpkg/main.ts COMMAND

  pack [options]       makes OUT/NAME_VERSION[_ARCH].qpkg, and its MD5 beside it
    --source FOLDER      what to pack (qpkg)
    --out FOLDER         where to (dist)
    --arch ARCH          ${Object.keys(machines).join(' or ')}; without it any machine takes the package
    --add SOURCE=DEST    puts a file or folder in at DEST, below the install folder; may be given often
    --built YYYYMMDD     the day told as the build's. Without it, that of SOURCE_DATE_EPOCH
  check FILE …         shows what is inside; status 1 where something is wrong
`

/** The day of a count of seconds since 1970 (reproducible-builds.org), as YYYYMMDD. */
function dayOfEpoch(text: string | undefined): string {
  if (text === undefined || !/^\d{1,10}$/.test(text)) {
    throw new Failure('invalid', '--built: the day is needed, as YYYYMMDD, or SOURCE_DATE_EPOCH in seconds', {
      field: '--built',
    })
  }
  return new Date(Number(text) * 1000).toISOString().slice(0, 10).replaceAll('-', '')
}

async function runPack(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      source: { type: 'string', default: 'qpkg' },
      out: { type: 'string', default: 'dist' },
      arch: { type: 'string' },
      add: { type: 'string', multiple: true, default: [] },
      built: { type: 'string' },
    },
  })
  const { path, sizeBytes, md5 } = await pack({
    sourceFolder: values.source,
    outFolder: values.out,
    architecture: values.arch,
    additions: values.add.map(parseAddition),
    builtOn: values.built ?? dayOfEpoch(process.env['SOURCE_DATE_EPOCH']),
  })
  process.stdout.write(`${path}: ${sizeBytes} bytes, MD5 ${md5}\n`)
}

async function runCheck(args: string[]): Promise<void> {
  const { positionals } = parseArgs({ args, allowPositionals: true })
  if (positionals.length === 0) throw new Failure('invalid', 'check: which package?')
  for (const path of positionals) {
    const report = await check(path)
    process.stdout.write(report.toText())
    if (report.findings.length > 0) process.exitCode = 1
  }
}

async function main([command, ...args]: string[]): Promise<void> {
  if (command === 'pack') await runPack(args)
  else if (command === 'check') await runCheck(args)
  else if (command === 'help' || command === '--help') process.stdout.write(usage)
  else throw new Failure('invalid', `no command is called ${command ?? '(nothing)'}\n${usage}`)
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`qpkg: ${error.message}\n`)
  process.exitCode = 1
})
