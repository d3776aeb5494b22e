// What was recorded, read back, beside what the simulated cameras' clips hold.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Camera } from '../../scripts/cameras/camera.ts'
import { readFrameMark } from '../../scripts/cameras/frame-sei.ts'
import { parseMoov } from '../../server/media/mp4/movie.ts'
import {
  footerBytesFromTail,
  mfraBytesFromTail,
  parseSegmentFooter,
} from '../../server/media/segment/segment-footer.ts'
import { parseSegmentFileHead, type SegmentHead } from '../../server/media/segment/segment-head.ts'

export interface RecordedSample {
  data: Buffer
  isKey: boolean
  /** Presentation time, UTC microseconds. */
  utcUs: number
  dtsTicks: number
  ctsTicks: number
}

export interface RecordedSegment {
  head: SegmentHead
  video: RecordedSample[]
  audio: RecordedSample[]
  metadata: RecordedSample[]
}

/** Reads a closed segment by its footer (FORMAT.md §2.2, §2.3). */
export function readSegment(path: string): RecordedSegment {
  const bytes = readFileSync(path)
  const { head, movie } = parseSegmentFileHead(bytes)!
  const upTo = bytes.subarray(0, bytes.length - (mfraBytesFromTail(bytes) ?? Number.NaN))
  const footer = parseSegmentFooter(Uint8Array.from(upTo.subarray(-footerBytesFromTail(upTo)!)))
  assert.ok(footer !== undefined, `${path} has no footer`)
  const edit = parseMoov(movie).find((track) => track.id === 1)?.startOffsetTicks ?? 0
  const lists: RecordedSample[][] = [[], [], []]
  const { table } = footer
  const next = table.tracks.map(() => 0)
  for (let fragment = 0; fragment < table.fragments; fragment++) {
    let at = table.fileOffsets.values[fragment]! + table.headBytes.values[fragment]!
    const first = table.tracks.find((track) => track.counts.values[fragment]! > 0)!
    const firstSec = first.tfdtTicks.values[fragment]! / first.timescale
    for (const [place, track] of table.tracks.entries()) {
      let ticks = track.tfdtTicks.values[fragment]!
      for (let i = 0; i < track.counts.values[fragment]!; i++, next[place]!++) {
        const index = next[place]!
        const ctsTicks = track.hasOffsets ? track.offsets.values[index]! : 0
        const isVideo = track.trackId === 1
        const sec = (ticks + (isVideo ? ctsTicks - edit : 0)) / track.timescale - firstSec
        lists[track.trackId - 1]!.push({
          data: bytes.subarray(at, at + track.sizes.values[index]!),
          isKey: !isVideo || (i === 0 && (table.flags.values[fragment]! & 1) !== 0),
          utcUs: table.utcUs.values[fragment]! + Math.round(sec * 1e6),
          dtsTicks: ticks,
          ctsTicks,
        })
        at += track.sizes.values[index]!
        ticks += track.durations.values[index]!
      }
    }
  }
  const [video, audio, metadata] = lists as [RecordedSample[], RecordedSample[], RecordedSample[]]
  return { head, video, audio, metadata }
}

/** NAL units of a sample (each after its 4-byte length), or of an Annex B access unit. */
export function nalUnits(data: Buffer, framing: 'length' | 'annex-b'): Buffer[] {
  const units: Buffer[] = []
  if (framing === 'length') {
    for (let at = 0; at < data.length; ) {
      const size = data.readUInt32BE(at)
      assert.ok(at + 4 + size <= data.length, 'a NAL unit reaches past its sample')
      units.push(data.subarray(at + 4, at + 4 + size))
      at += 4 + size
    }
    return units
  }
  const startCode = Buffer.of(0, 0, 1)
  for (let at = data.indexOf(startCode); at >= 0; ) {
    const nextAt = data.indexOf(startCode, at + 3)
    let end = nextAt < 0 ? data.length : nextAt
    while (end > at + 3 && data[end - 1] === 0) end--
    units.push(data.subarray(at + 3, end))
    at = nextAt
  }
  return units
}

const isPicture = {
  h264: (nal: Buffer) => (nal[0]! & 0x1f) >= 1 && (nal[0]! & 0x1f) <= 5,
  h265: (nal: Buffer) => ((nal[0]! >> 1) & 0x3f) < 32,
}

/** Sequence numbers that recorded frames carry, in decoding order. */
export function sequencesOf(samples: readonly RecordedSample[]): number[] {
  return samples.map(({ data }) => {
    const mark = readFrameMark(data)
    assert.ok(mark !== undefined, 'a frame has lost its mark')
    return mark.sequence
  })
}

/**
 * Compares each recorded frame with the one of that number that the camera's clip holds, byte for byte: its picture, and
 * the mark before it; parameter sets may be left out. Gives the numbers.
 *
 * @param number which camera of its farm it is: that decides where in the clip it began
 */
export function compareWithClip(samples: readonly RecordedSample[], camera: Camera, number: number): number[] {
  const { raw } = camera.streams[0]!
  const codec = raw.recipe.codec === 'h265' ? 'h265' : 'h264'
  const firstIndex = Math.floor(((number * 0.6180339887) % 1) * raw.frames.length)
  const numbers = sequencesOf(samples)
  for (const [i, sample] of samples.entries()) {
    const frame = (firstIndex + numbers[i]!) % raw.frames.length
    const sent = nalUnits(raw.frames[frame]!, 'annex-b').filter(isPicture[codec])
    const kept = nalUnits(sample.data, 'length')
    assert.equal(kept.length, sent.length + 1, `frame ${numbers[i]}: its mark and its picture`)
    assert.ok(readFrameMark(kept[0]!) !== undefined, `frame ${numbers[i]}: the mark comes first`)
    for (const [k, nal] of sent.entries()) assert.ok(nal.equals(kept[k + 1]!), `frame ${numbers[i]} is not as sent`)
    assert.equal(sample.isKey, frame % raw.recipe.gopFrames === 0, `frame ${numbers[i]}: keyframe`)
  }
  return numbers
}

/** Asserts that no number is missing or comes twice. */
export function assertConsecutive(numbers: readonly number[], what = 'frames'): void {
  for (let i = 1; i < numbers.length; i++) {
    assert.equal(numbers[i], numbers[i - 1]! + 1, `${what}: ${numbers[i]} comes after ${numbers[i - 1]}`)
  }
}

/** Asserts that recorded samples are those of a clip, one after the other, wherever in the loop they begin. */
export function assertLoop(recorded: readonly Buffer[], clip: readonly Buffer[], what: string): void {
  const starts = clip.flatMap((data, i) => (data.equals(recorded[0] ?? Buffer.alloc(0)) ? [i] : []))
  const matches = starts.some((start) => recorded.every((data, i) => data.equals(clip[(start + i) % clip.length]!)))
  assert.ok(matches, `${what}: ${recorded.length} recorded samples are not the camera's`)
}
