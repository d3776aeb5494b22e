import assert from 'node:assert/strict'
import { parseDescription, parseSize, parseState } from '../../../../server/host/qts/volume-info.ts'

describe('what getsysinfo says of a volume', () => {
  const descriptions: [text: string, label: string, raid: string | undefined][] = [
    ['[Volume DataVol1, Pool 1]', 'DataVol1', undefined],
    ['[Volume My Films, Pool 12]', 'My Films', undefined],
    ['[Single Disk Volume: Drive 1]', 'Single Disk Volume: Drive 1', 'single'],
    ['[RAID5 Disk Volume: Drive 1 2 3]', 'RAID5 Disk Volume: Drive 1 2 3', 'raid5'],
    ['[RAID 10 Disk Volume: Drive 1 2 3 4]', 'RAID 10 Disk Volume: Drive 1 2 3 4', 'raid10'],
  ]
  for (const [text, label, raid] of descriptions) {
    it(`is in ${text} a label and perhaps a RAID level`, () => {
      assert.deepEqual(parseDescription(text), { label, raid })
    })
  }

  const sizes: [text: string, totalBytes: number, toleranceBytes: number][] = [
    ['1.23 TB', 1.23 * 1024 ** 4, 1024 ** 4 / 100],
    ['930.8 GB', 930.8 * 1024 ** 3, 1024 ** 3 / 10],
    ['16 MB', 16 * 1024 ** 2, 1024 ** 2],
    ['512 B', 512, 1],
  ]
  for (const [text, totalBytes, toleranceBytes] of sizes) {
    it(`is ${text} in binary units, right to its digits`, () => {
      assert.deepEqual(parseSize(text), { totalBytes, toleranceBytes })
    })
  }

  it('is no size where there is none', () => {
    for (const text of ['--', '', 'TB', '1,5 TB', '-1 GB', '1 EB']) assert.equal(parseSize(text), undefined)
  })

  it('is a state in words', () => {
    assert.deepEqual(['Ready', 'Degraded', 'Rebuilding (3.2%)', 'Unmounted', 'Not active', '--', ''].map(parseState), [
      'good',
      'degraded',
      'rebuilding',
      'failed',
      'failed',
      'unknown',
      'unknown',
    ])
  })
})
