import assert from 'node:assert/strict'
import { chase, nextTarget, targetSec } from '../../../web-desktop/player/live-chase.ts'
import { correctedRate } from '../../../web-desktop/player/slave.ts'

describe('chase', () => {
  it('plays at speed near the target, hurries beyond it, and jumps when far behind', () => {
    const cases: [number, number, number | undefined][] = [
      [0.1, 1, undefined],
      [0.17, 1, undefined],
      [0.25, 1.1, undefined],
      [0.6, 1.15, undefined],
      [1.4, 1.15, undefined],
      [1.6, 1, 9.88],
    ]

    for (const [behind, rate, jumpTo] of cases) {
      const found = chase(10, behind, targetSec, false, true)
      assert.equal(found.rate, rate, `${behind}`)
      assert.equal(found.jumpTo?.toFixed(2), jumpTo?.toFixed(2), `${behind}`)
    }
  })

  it('jumps at once at the start, over what the server sent from the last keyframe', () => {
    assert.equal(chase(2, 1, targetSec, true, true).jumpTo?.toFixed(2), '1.88')
  })

  it('jumps instead of hurrying where the browser cannot hurry', () => {
    assert.deepEqual(chase(10, 0.4, targetSec, false, false), { rate: 1 })
    assert.equal(chase(10, 0.7, targetSec, false, false).jumpTo?.toFixed(2), '9.88')
  })

  it('stays further behind after it had to wait, and comes back when calm', () => {
    let target = targetSec
    for (let i = 0; i < 20; i++) target = nextTarget(target, true)
    assert.equal(target, 0.6)
    for (let i = 0; i < 50; i++) target = nextTarget(target, false)
    assert.equal(target, targetSec)
  })
})

describe('correctedRate', () => {
  it('leaves an element alone within a frame and bends by at most 5 %', () => {
    assert.equal(correctedRate(1, 0.02), 1)
    assert.equal(correctedRate(1, 0.3), 0.95)
    assert.equal(correctedRate(1, -0.3), 1.05)
    assert.ok(Math.abs(correctedRate(1, 0.04) - 0.98) < 1e-9)
    assert.equal(correctedRate(16, -8), 16)
  })
})
