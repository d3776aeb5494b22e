import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { Seal } from '../../../server/base/seal.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('seal', () => {
  it('opens what it sealed, whatever the text', () => {
    const seal = new Seal(Buffer.alloc(32, 7))

    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        assert.equal(seal.unseal(seal.seal(text, context), context), text)
      }),
    )
  })

  it('seals the same text differently each time', () => {
    const seal = new Seal(Buffer.alloc(32, 7))

    assert.notEqual(seal.seal('x', 'c'), seal.seal('x', 'c'))
  })

  it('opens nothing under another context or key', () => {
    const seal = new Seal(Buffer.alloc(32, 7))
    const sealed = seal.seal('secret', 'camera:1')

    assert.throws(() => seal.unseal(sealed, 'camera:2'), { kind: 'corrupt' })
    assert.throws(() => new Seal(Buffer.alloc(32, 8)).unseal(sealed, 'camera:1'), { kind: 'corrupt' })
  })

  it('opens nothing that was changed or cut, at any byte', () => {
    const seal = new Seal(Buffer.alloc(32, 7))
    const bytes = Buffer.from(seal.seal('secret', 'c').slice(3), 'base64')

    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      assert.throws(() => seal.unseal(`v1.${changed.toString('base64')}`, 'c'), { kind: 'corrupt' })
      assert.throws(() => seal.unseal(`v1.${bytes.subarray(0, at).toString('base64')}`, 'c'), { kind: 'corrupt' })
    }
    assert.throws(() => seal.unseal('secret', 'c'), { kind: 'corrupt' })
  })

  it('makes its key once, in a file for the owner alone', () => {
    const path = join(makeTestFolder(), 'deep/seal.key')

    const sealed = Seal.open(path).seal('secret', 'c')

    assert.equal(Seal.open(path).unseal(sealed, 'c'), 'secret')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(path).size, 32)
  })

  it('makes no new key over a damaged one', () => {
    const path = join(makeTestFolder(), 'seal.key')
    writeFileSync(path, 'short')

    assert.throws(() => Seal.open(path), { kind: 'corrupt' })
  })
})
