import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ToolRunner, type ToolRunnerOptions } from '../../../server/host/tool-runner.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

/** A runner on a root with one program, `/usr/bin/tool`. */
function runnerOf(script: string, options: Partial<ToolRunnerOptions> = {}): ToolRunner {
  const root = makeTestFolder()
  mkdirSync(join(root, 'usr/bin'), { recursive: true })
  writeFileSync(join(root, 'usr/bin/tool'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(root, 'usr/bin/tool'), 0o755)
  return new ToolRunner({ root, ...options })
}

describe('tool runner', () => {
  it('gives what a tool printed, and its status', async () => {
    const answer = await runnerOf('echo out; echo first >&2; echo second >&2; exit 3').run('tool', [])

    assert.deepEqual(answer, { isFound: true, value: { exitCode: 3, output: 'out\n', complaint: 'first' } })
  })

  it('hands arguments over as they are, for there is no shell', async () => {
    const argument = '$(touch /tmp/x); `id` "quoted" *'

    const answer = await runnerOf('printf %s "$1"').text('tool', [argument])

    assert.deepEqual(answer, { isFound: true, value: argument })
  })

  it('finds a tool by its path, too', async () => {
    assert.equal((await runnerOf('true').text('/usr/bin/tool', [])).isFound, true)
  })

  it('is not available where there is no such tool', async () => {
    assert.deepEqual(await runnerOf('').run('getcfg', []), {
      isFound: false,
      kind: 'not-available',
      reason: 'run getcfg: there is no such program here',
    })
  })

  it('takes any status but 0 for no answer where text is wanted', async () => {
    assert.deepEqual(await runnerOf('echo no such key >&2; exit 1').text('tool', []), {
      isFound: false,
      kind: 'failed',
      reason: 'run tool: status 1 no such key',
    })
  })

  it('ends a tool that hangs, with what it started', async () => {
    const answer = await runnerOf('sleep 60', { timeoutMs: 100 }).run('tool', [])

    assert.deepEqual(answer, { isFound: false, kind: 'failed', reason: 'run tool: no answer within 100 ms' })
  })

  it('ends a tool that prints without end', async () => {
    const answer = await runnerOf('exec yes', { maxOutputBytes: 10_000 }).run('tool', [])

    assert.deepEqual(answer, { isFound: false, kind: 'failed', reason: 'run tool: it printed more than 10000 bytes' })
  })

  it('gives a tool none of the server’s environment', async () => {
    process.env['NIGHTJAR_TEST_SECRET'] = 'database password'
    const answer = await runnerOf('exec /usr/bin/env').text('tool', [])
    delete process.env['NIGHTJAR_TEST_SECRET']

    assert.equal(answer.isFound, true)
    assert.doesNotMatch(JSON.stringify(answer), /database password|NODE/)
  })

  it('does not repeat the arguments where a tool is killed', async () => {
    const answer = await runnerOf('kill -9 $$').run('tool', ['--text=private'])

    assert.deepEqual(answer, { isFound: false, kind: 'failed', reason: 'run tool: it ended by SIGKILL' })
  })
})
