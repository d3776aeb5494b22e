import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** What a log writes to standard output, line by line. */
function linesOf(fromLevel: string, calls: string): Record<string, unknown>[] {
  const module = join(import.meta.dirname, '../../../server/base/line-log.ts')
  const program = `const { createLineLog } = await import(${JSON.stringify(module)})
    const log = createLineLog('recorder', ${JSON.stringify(fromLevel)})
    ${calls}`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program]).toString()
  return output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]))
}

const everything = "log.info('a'); log.warn('b'); log.error({ err: new Error('broken') }, 'c\\nd')"

describe('line log', () => {
  it('writes a line of JSON an event, as the server does', () => {
    const lines = linesOf('info', everything)

    assert.deepEqual(
      lines.map(({ level, name, msg }) => [level, name, msg]),
      [
        [30, 'recorder', 'a'],
        [40, 'recorder', 'b'],
        [50, 'recorder', 'c\nd'],
      ],
    )
    assert.ok(Math.abs(Number(lines[0]?.['time']) - Date.now()) < 60_000)
    assert.match(JSON.stringify(lines[2]?.['err']), /"message":"broken","stack":"Error: broken/)
  })

  it('leaves out what is below its level', () => {
    const count = (level: string) => linesOf(level, everything).length

    assert.deepEqual([count('debug'), count('warn'), count('error'), count('silent')], [3, 2, 1, 0])
  })

  it('takes a level that is none for `info`', () => {
    assert.equal(linesOf('loud', everything).length, 3)
  })
})
