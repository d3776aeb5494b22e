import assert from 'node:assert/strict'
import { chooseLive } from '../../../server/stream/live-choice.ts'
import type { LiveStreamInfo } from '../../../server/stream/live-reader.ts'
import type { LiveWant } from '../../../shared/live.ts'

type Codec = LiveStreamInfo['videoCodec']

interface Case {
  it: string
  /** Codecs by stream number; a `!` before one that is not live. */
  streams: string[]
  want?: LiveWant
  widthPx?: number
  canPlay?: ('h264' | 'h265' | 'aac')[]
  canConvert?: boolean
  gives: string | undefined
  note?: RegExp
}

const cases: Case[] = [
  { it: 'shows a wide tile the main stream', streams: ['h264', 'h264'], gives: '1 main as-is' },
  { it: 'shows a narrow tile the sub stream', streams: ['h264', 'h264'], widthPx: 640, gives: '2 sub as-is' },
  {
    it: 'shows a narrow tile the main stream where there is no other',
    streams: ['h264'],
    widthPx: 64,
    gives: '1 main as-is',
  },
  {
    it: 'falls back to the main stream while the sub stream is not live, and says so',
    ...{ streams: ['h264', '!h264'], widthPx: 640, gives: '1 main as-is', note: /sub stream is not live/ },
  },
  {
    it: 'falls back to the sub stream while the main stream is not live, and says so',
    ...{ streams: ['!h264', 'h264'], gives: '2 sub as-is', note: /main stream is not live/ },
  },
  { it: 'waits for the main stream where none is live', streams: ['!h264', '!h264'], gives: '1 main as-is' },
  { it: 'gives the stream that was asked for', streams: ['h264', 'h264'], want: 'sub', gives: '2 sub as-is' },
  {
    it: 'gives the main stream where there is no sub stream to be had',
    ...{ streams: ['h264'], want: 'sub', gives: '1 main as-is', note: /no sub stream/ },
  },
  {
    it: 'takes the other stream where the browser plays no H.265',
    ...{ streams: ['h265', 'h264'], gives: '2 sub as-is', note: /H\.265 cannot be played/ },
  },
  { it: 'gives H.265 to a browser that plays it', streams: ['h265'], canPlay: ['h264', 'h265'], gives: '1 main as-is' },
  {
    it: 'converts where no stream can be played',
    ...{ streams: ['h265', 'h265'], gives: '1 h264 h264', note: /H\.265 cannot be played/ },
  },
  {
    it: 'does not take another stream than the one asked for',
    ...{ streams: ['h265', 'h264'], want: 'main', gives: '1 h264 h264', note: /H\.265/ },
  },
  {
    it: 'gives JPEG where no more can be converted',
    ...{ streams: ['h265'], canConvert: false, gives: '1 jpeg jpeg', note: /no more streams/ },
  },
  {
    it: 'gives JPEG to a browser without video',
    streams: ['h264'],
    canPlay: [],
    gives: '1 jpeg jpeg',
    note: /plays no video/,
  },
  { it: 'gives MJPEG as it is', streams: ['mjpeg'], canPlay: [], gives: '1 jpeg as-is', note: /sends JPEG/ },
  { it: 'gives JPEG where that is asked for', streams: ['h264'], want: 'jpeg', gives: '1 jpeg jpeg' },
  { it: 'tries a stream whose codec is not known yet', streams: ['?'], gives: '1 main as-is' },
  { it: 'has nothing to give without streams', streams: [], gives: undefined },
]

describe('live choice', () => {
  for (const one of cases) {
    it(one.it, () => {
      const streams = one.streams.map((text, i): LiveStreamInfo => {
        const codec = text.replace('!', '')
        return {
          ...{ stream: i + 1, isLive: !text.startsWith('!'), reason: '', sinceMs: 0 },
          videoCodec: codec === '?' ? undefined : (codec as Codec),
        }
      })

      const choice = chooseLive({
        want: one.want ?? 'auto',
        widthPx: one.widthPx ?? 1280,
        canPlay: new Set(one.canPlay ?? ['h264', 'aac']),
        streams,
        canConvert: () => one.canConvert ?? true,
      })

      assert.equal(choice && `${choice.stream} ${choice.mode} ${choice.form}`, one.gives)
      if (one.note === undefined) assert.equal(choice?.note, undefined)
      else assert.match(choice?.note ?? '', one.note)
    })
  }
})
