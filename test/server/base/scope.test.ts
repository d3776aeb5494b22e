import assert from 'node:assert/strict'
import { Scope } from '../../../server/base/scope.ts'

describe('scope', () => {
  it('undoes what was started, last first, one after the other', async () => {
    const done: string[] = []
    const scope = new Scope()
    scope.add(() => {
      done.push('first')
    })
    scope.add(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      done.push('second')
    })

    await scope.close()

    assert.deepEqual(done, ['second', 'first'])
  })

  it('undoes everything though one fails, and throws the first failure at the end', async () => {
    const done: string[] = []
    const scope = new Scope()
    scope.add(() => {
      done.push('first')
    })
    scope.add(() => {
      throw new Error('second')
    })
    scope.add(() => Promise.reject(new Error('third')))

    await assert.rejects(scope.close(), /third/)

    assert.deepEqual(done, ['first'])
  })

  it('undoes once, however often it is closed', async () => {
    let count = 0
    const scope = new Scope()
    scope.add(() => {
      count++
    })

    await Promise.all([scope.close(), scope.close()])
    await scope.close()

    assert.equal(count, 1)
  })

  it('undoes at once what is given to it when it is closed', async () => {
    let count = 0
    const scope = new Scope()
    await scope.close()
    scope.add(() => {
      count++
    })
    await new Promise((resolve) => setImmediate(resolve))

    assert.equal(count, 1)
  })
})
