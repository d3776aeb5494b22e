import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { type Marker, markerBytes, parseMarker, writeMarker } from '../../../server/recording/marker.ts'

const marker: Marker = {
  format: 1,
  space: '22222222-2222-4222-8222-222222222222',
  server: '11111111-1111-4111-8111-111111111111',
  boot: '44444444-4444-4444-8444-444444444444',
  heartbeatMs: 1_795_348_800_000,
  state: 'proved',
}

/** A marker of any content whose CRC holds. */
function signed(text: string): Uint8Array {
  const bytes = Buffer.alloc(markerBytes, 0x20)
  bytes.write(text)
  bytes.write(crc32(bytes.subarray(0, 504)).toString(16).padStart(8, '0'), 504)
  return bytes
}

describe('marker', () => {
  it('is one sector: a line of JSON, spaces, and its CRC-32 in hexadecimal (FORMAT.md §6)', () => {
    const bytes = writeMarker(marker)

    assert.equal(bytes.length, 512)
    const text = Buffer.from(bytes).toString('latin1')
    assert.deepEqual(JSON.parse(text.slice(0, text.indexOf('\n'))), marker)
    assert.match(text.slice(text.indexOf('\n') + 1, 504), /^ +$/)
    assert.equal(text.slice(504), crc32(bytes.subarray(0, 504)).toString(16).padStart(8, '0'))
    assert.deepEqual(parseMarker(bytes), marker)
  })

  it('is refused where any one of its bytes is another', () => {
    const bytes = writeMarker(marker)

    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = damaged[at]! ^ 0x01
      assert.equal(parseMarker(damaged), undefined, `byte ${at}`)
    }
  })

  it('is refused where it is cut short or longer', () => {
    const bytes = writeMarker(marker)

    assert.equal(parseMarker(bytes.subarray(0, 511)), undefined)
    assert.equal(parseMarker(Buffer.concat([bytes, Buffer.of(0)])), undefined)
    assert.equal(parseMarker(new Uint8Array(0)), undefined)
    assert.equal(parseMarker(new Uint8Array(512)), undefined)
  })

  it('is refused where a field is missing or of another format, though its CRC holds', () => {
    const { state: _state, ...without } = marker
    const odd = [without, { ...marker, format: 2 }, { ...marker, state: 'old' }, { ...marker, server: 7 }, null, []]

    assert.deepEqual(
      odd.map((value) => parseMarker(signed(`${JSON.stringify(value)}\n`))),
      odd.map(() => undefined),
    )
    assert.equal(parseMarker(signed('no JSON')), undefined)
    assert.deepEqual(parseMarker(signed(`${JSON.stringify({ ...marker, device: 'sda1' })}\n`)), {
      ...marker,
      device: 'sda1',
    })
  })

  it('refuses to be written where it does not fit', () => {
    assert.throws(() => writeMarker({ ...marker, boot: 'x'.repeat(600) }), RangeError)
  })
})
