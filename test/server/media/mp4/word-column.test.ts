import assert from 'node:assert/strict'
import { WordColumn } from '../../../../server/media/mp4/word-column.ts'

describe('word column', () => {
  it('holds words in order over many pages', () => {
    const column = new WordColumn()

    for (let i = 0; i < 100_000; i++) column.push(i * 40_000)

    const bytes = Buffer.concat(column.pages())
    assert.equal(column.length, 100_000)
    assert.equal(bytes.length, 400_000)
    for (let i = 0; i < 100_000; i++) assert.equal(bytes.readUInt32BE(i * 4), i * 40_000)
  })

  it('writes negative words in two’s complement', () => {
    const column = new WordColumn()

    column.push(-2)

    assert.deepEqual([...column.pages()[0]!], [0xff, 0xff, 0xff, 0xfe])
  })

  it('adds to pairs with their carry, on every page', () => {
    const column = new WordColumn()
    for (let i = 0; i < 20_000; i++) column.pushPair(i * 0xffff_ffff)

    column.addToPairs(1000)

    const bytes = Buffer.concat(column.pages())
    for (let i = 0; i < 20_000; i++) {
      assert.equal(Number(bytes.readBigUInt64BE(i * 8)), i * 0xffff_ffff + 1000)
    }
  })

  it('has no pages while it is empty', () => {
    assert.deepEqual(new WordColumn().pages(), [])
  })
})
