// The bench's programs in C, compiled when first needed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { cacheFolder } from './work-folder.ts'

/** Compiles one source file, once for each text of it. Returns the program's path. */
export function buildProgram(source: string): string {
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const program = path.join(cacheFolder, 'programs', `${path.basename(source, '.c')}-${digest}`)
  if (existsSync(program)) return program
  mkdirSync(path.dirname(program), { recursive: true })
  const unfinished = `${program}.${process.pid}`
  execFileSync('gcc', ['-O2', '-Wall', '-o', unfinished, source], { stdio: 'inherit' })
  renameSync(unfinished, program)
  return program
}
