import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseSegmentFileHead } from '../../../../server/media/segment/segment-head.ts'
import { exampleSegment } from './segment-under-test.ts'

/** The bytes that section 9 of FORMAT.md lists, and the offsets it gives them. */
function listedBytes(): { bytes: Buffer; offsets: { said: number; is: number }[] } {
  const document = readFileSync(new URL('../../../../server/recording/FORMAT.md', import.meta.url), 'utf8')
  const section = document.slice(document.indexOf('## 9. A worked example'))
  const parts: Buffer[] = []
  const offsets: { said: number; is: number }[] = []
  let at = 0
  for (const line of section.split('\n')) {
    const match = /^ {4}(\d{4}) {2}((?:[0-9a-f]{2,8} ?)+)(?: {2,}|$)/.exec(line)
    if (match === null) continue
    const bytes = Buffer.from(match[2]!.replaceAll(' ', ''), 'hex')
    offsets.push({ said: Number(match[1]), is: at })
    parts.push(bytes)
    at += bytes.length
  }
  return { bytes: Buffer.concat(parts), offsets }
}

describe('the worked example of FORMAT.md', () => {
  it('is byte for byte what the segment writer makes', () => {
    const listed = listedBytes()

    const { closed } = exampleSegment()

    assert.equal(Buffer.from(closed).toString('hex'), listed.bytes.toString('hex'))
  })

  it('gives the right offset at every line', () => {
    const { offsets } = listedBytes()

    assert.deepEqual(
      offsets.map(({ said }) => said),
      offsets.map(({ is }) => is),
    )
  })

  it('says of itself what the example says of it', () => {
    const parsed = parseSegmentFileHead(listedBytes().bytes)

    assert.deepEqual(parsed?.head, exampleSegment().head)
    assert.equal(parsed?.headBytes, 854)
  })
})
