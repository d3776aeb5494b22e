import assert from 'node:assert/strict'
import { DataSearch } from '../../../../scripts/bench/export/download.ts'

function box(type: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + payload.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, payload])
}

const ftyp = box('ftyp', Buffer.from('isom'))
const moov = box('moov', Buffer.from('mdat, but only as a word in a box'))

describe('a search for data', () => {
  for (const pieceBytes of [1, 7, 64, 4096]) {
    it(`tells of it with its first byte, in pieces of ${pieceBytes}`, () => {
      const head = Buffer.from('00000001 6d646174 0000000000000064'.replaceAll(' ', ''), 'hex')
      const dataAt = ftyp.length + moov.length + head.length
      const movie = Buffer.concat([ftyp, moov, head, Buffer.alloc(84)])
      const search = new DataSearch()

      let pushed = 0
      let found: number | undefined
      while (found === undefined && pushed < movie.length) {
        const piece = movie.subarray(pushed, pushed + pieceBytes)
        pushed += piece.length
        found = search.push(piece)
      }

      assert.equal(found, dataAt)
      assert.ok(pushed > dataAt && pushed <= dataAt + pieceBytes)
    })
  }

  it('takes a short head of mdat as well', () => {
    const search = new DataSearch()

    assert.equal(search.push(Buffer.concat([ftyp, box('mdat', Buffer.alloc(8))])), ftyp.length + 8)
  })
})
