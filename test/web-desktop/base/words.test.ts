import assert from 'node:assert/strict'
import { retryDelayMs } from '../../../web-desktop/api/push.ts'
import {
  formatBitrate,
  formatBytes,
  formatDuration,
  formatTimeMs,
  localFieldOf,
  msOfLocalField,
} from '../../../web-desktop/base/format.ts'
import { wordsOf } from '../../../web-desktop/base/i18n.ts'

describe('wordsOf', () => {
  const t = wordsOf({ plain: 'Open', ask: 'Remove {name} of {n}?', count: { one: '{n} camera', other: '{n} cameras' } })

  it('fills in values and writes numbers in groups', () => {
    assert.equal(t('plain'), 'Open')
    assert.equal(t('ask', { name: 'Yard', n: 12_000 }), 'Remove Yard of 12,000?')
  })

  it('chooses the form a number takes', () => {
    assert.deepEqual(
      [0, 1, 2].map((n) => t('count', { n })),
      ['0 cameras', '1 camera', '2 cameras'],
    )
  })
})

describe('amounts', () => {
  it('are written with the two largest units of time', () => {
    const cases: [number, string][] = [
      [0, '0 s'],
      [400, '0.4 s'],
      [59_000, '59 s'],
      [60_000, '1 min'],
      [250_000, '4 min 10 s'],
      [3_600_000, '1 h'],
      [90_061_000, '1 d 1 h'],
    ]

    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
  })

  it('are written in powers of 1000', () => {
    assert.deepEqual([999, 1000, 33_500_000, 123_456_789].map(formatBytes), ['999 B', '1.0 KB', '33.5 MB', '123 MB'])
    assert.deepEqual([640, 4096].map(formatBitrate), ['640 kbit/s', '4.1 Mbit/s'])
  })

  it('of time of day have milliseconds where a frame is meant', () => {
    assert.match(formatTimeMs(1_795_355_953_440.6), /^\d\d:\d\d:\d\d\.440$/)
  })

  it('go through a field of local time and back', () => {
    const ms = Date.UTC(2026, 6, 22, 12, 13, 14)

    assert.equal(msOfLocalField(localFieldOf(ms)), ms)
    assert.ok(Number.isNaN(msOfLocalField('')))
  })
})

describe('retryDelayMs', () => {
  it('doubles up to eight seconds, give or take a fifth', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 9].map((attempt) => retryDelayMs(attempt, 0.5)),
      [500, 1000, 2000, 4000, 8000, 8000],
    )
    assert.equal(retryDelayMs(1, 0), 800)
    assert.equal(retryDelayMs(1, 1), 1200)
  })
})
