import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { idleNapMs, napFor, startNapping, watchedNapMs } from '../../../server/recording/nap.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const idle = { waiting: 0, urgent: 0 }

describe('nap', () => {
  it('is long while nobody waits, shorter while somebody watches, and shortest while files are waited for', () => {
    assert.equal(napFor(idle, false), idleNapMs)
    assert.equal(napFor(idle, true), watchedNapMs)
    assert.ok(napFor({ waiting: 0, urgent: 1 }, true) <= 1)
    assert.ok(napFor({ waiting: 3, urgent: 0 }, false) <= 1)
    assert.ok(watchedNapMs <= 20)
  })

  it('holds the thread no longer than it says, and stops for good', async () => {
    const asked: number[] = []
    const stop = startNapping({
      napMs: () => {
        asked.push(0)
        return 5
      },
      bellPath: join(makeTestFolder(), 'bell'),
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await stop()
    const count = asked.length
    await new Promise((resolve) => setTimeout(resolve, 50))

    assert.ok(count >= 2)
    assert.equal(asked.length, count)
  })

  it('ends at once when the bell rings', async () => {
    const bellPath = join(makeTestFolder(), 'bell')
    const shared = new SharedArrayBuffer(4)
    // A thread that sleeps for a minute, beside ours, which rings.
    const program = `const { workerData } = require('node:worker_threads')
      const { Worker } = require('node:worker_threads')
      const bell = new Int32Array(workerData.shared)
      const ringer = new Worker(new URL(workerData.module), { workerData: { bell, path: workerData.path } })
      ringer.on('online', () => setTimeout(() => {
        require('node:worker_threads').parentPort.postMessage('asleep')
        require('node:worker_threads').parentPort.postMessage(Atomics.wait(bell, 0, 0, 60000))
      }, 200))`
    const sleeper = new Worker(program, {
      eval: true,
      workerData: {
        shared,
        path: bellPath,
        module: new URL('../../../server/recording/bell.ts', import.meta.url).href,
      },
    })
    try {
      assert.deepEqual(await once(sleeper, 'message'), ['asleep'])
      const woken = once(sleeper, 'message')
      connect(bellPath, function (this: { end(): void }) {
        this.end()
      }).on('error', () => undefined)

      const [how] = await woken

      assert.ok(how === 'ok' || how === 'not-equal')
    } finally {
      await sleeper.terminate()
    }
  })
})
