import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { idleNapMs, NapLength, startNapping, watchedNapMs } from '../../../server/recording/nap.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const idle = { waiting: 0, urgent: 0, finished: 0 }
const nobody = { isWatched: false, youngestSec: Number.POSITIVE_INFINITY }

describe('nap', () => {
  it('is long while nobody waits, shorter while somebody watches, and shortest while files are waited for', () => {
    assert.equal(new NapLength(idle).next(nobody), idleNapMs)
    assert.equal(new NapLength(idle).next({ isWatched: true, youngestSec: 20 }), watchedNapMs)
    const load = { ...idle, urgent: 1, finished: 1 }
    assert.ok(new NapLength(load).next({ ...nobody, isWatched: true }) <= 1)
    assert.ok(new NapLength({ ...load, waiting: 3, urgent: 0 }).next(nobody) <= 1)
    assert.ok(watchedNapMs <= 20)
  })

  it('grows by doubling while the youngest camera’s connection is new', () => {
    const nap = new NapLength(idle)
    const naps = [0, 3, 5, 9, 17].map((youngestSec) => nap.next({ isWatched: false, youngestSec }))

    assert.deepEqual(naps, [25, 25, 50, 100, idleNapMs])
  })

  it('grows while a disk answers nothing, and is short again when it does', () => {
    const load = { waiting: 1, urgent: 0, finished: 1 }
    const nap = new NapLength(load)
    const naps = [1, 2, 3, 4, 5, 6, 7].map(() => nap.next(nobody))
    assert.deepEqual(naps, [1, 2, 4, 8, 16, watchedNapMs, watchedNapMs])

    load.finished++
    assert.equal(nap.next(nobody), 1)
  })

  it('is preceded each time by what was to be done before it', async () => {
    const calls: string[] = []
    const stop = startNapping({
      napMs: () => {
        calls.push('nap')
        return 1
      },
      beforeSleep: () => calls.push('before'),
      bellPath: join(makeTestFolder(), 'bell'),
    })
    await new Promise((resolve) => setTimeout(resolve, 30))
    await stop()

    assert.ok(calls.length >= 4)
    assert.ok(calls.every((call, i) => call === (i % 2 === 0 ? 'before' : 'nap')))
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
        module: new URL('../../../server/recording/bell.js', import.meta.url).href,
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
