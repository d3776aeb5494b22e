// One recorded picture, exactly the one that was shown at an instant, as JPEG.
import { Failure } from '../../shared/failure.ts'
import { concat } from '../media/mp4/boxes.ts'
import { type FragmentSample, fragment as makeFragment } from '../media/mp4/fragment.ts'
import { initSegment } from '../media/mp4/movie.ts'
import { trackIds } from '../media/segment/segment-layout.ts'
import type { TrackTable } from '../media/segment/segment-table.ts'
import type { Decoder } from '../stream/decoder.ts'
import { readKeyframe } from './playback.ts'
import type { FootageOf, FootageReader, FootageSegment } from './segment-reader.ts'

export interface RecordedFrame {
  jpeg: Uint8Array
  /** When the picture was shown, UTC microseconds. */
  utcUs: number
}

/** In a gap the last picture before it is given, if it is no older than this. */
const lookBackUs = 10_000_000

/** What decoding up to one picture may take, in bytes. */
const maxGroupBytes = 128 * 1024 * 1024

/** A sample of a group of pictures, in decoding order. */
interface GroupSample {
  fragment: number
  /** Its number in the segment. */
  sample: number
  /** Decode time from the group's start, in ticks, by the durations of those before it. */
  dtsTicks: number
  ctsTicks: number
  durationTicks: number
  /** When it is shown. */
  utcUs: number
}

/**
 * The picture shown at `atUs`, `widthPx` wide or a little wider.
 *
 * Fails `not-found` where nothing was recorded then, `corrupt` where it cannot be decoded.
 */
export async function readFrame(
  reader: FootageReader,
  decoder: Decoder,
  of: FootageOf,
  atUs: number,
  widthPx: number,
): Promise<RecordedFrame> {
  let found: FootageSegment | undefined
  for await (const { segment } of reader.stretches(of, atUs - lookBackUs, atUs + 1)) found = segment
  const track = found?.video
  const config = found?.content.tracks.find(({ id }) => id === trackIds.video)?.config
  if (found === undefined || track === undefined || config?.kind !== 'video') {
    throw new Failure('not-found', 'nothing was recorded at this time')
  }
  const entry = Math.max(0, found.entryAtOrBefore(atUs))
  const editTicks = found.content.tracks.find(({ id }) => id === trackIds.video)!.startOffsetTicks
  const group = groupFrom(found, track, entry, atUs, editTicks)
  // The last one shown at or before the instant; a keyframe is always there to fall back on.
  const target = group.reduce((best, one) => (one.utcUs <= atUs && one.utcUs > best.utcUs ? one : best), group[0]!)
  const file = await reader.openFile(found)
  try {
    if (target === group[0] || config.codec === 'mjpeg') {
      const data =
        target === group[0]
          ? (await readKeyframe(file, found, track, entry)).data
          : await file.read(track.sizes.values[target.sample]!, offsetOf(found, track, target))
      return { jpeg: await decoder.picture(config, data, widthPx), utcUs: target.utcUs }
    }
    const needed = group.slice(0, group.indexOf(target) + 1)
    const sizeBytes = needed.reduce((sum, one) => sum + track.sizes.values[one.sample]!, 0)
    if (sizeBytes > maxGroupBytes) throw new Failure('limit', 'the keyframe before this picture is too far away')
    const samples: FragmentSample[] = []
    for (let i = 0; i < needed.length; ) {
      const { fragment } = needed[i]!
      const { offset, sizeBytes: dataBytes } = found.trackData(track, fragment)
      const bytes = await file.read(dataBytes, offset)
      for (let at = 0; i < needed.length && needed[i]!.fragment === fragment; i++) {
        const { sample, ctsTicks, durationTicks } = needed[i]!
        const size = track.sizes.values[sample]!
        samples.push({ durationTicks, ctsTicks, isKey: samples.length === 0, data: bytes.subarray(at, at + size) })
        at += size
      }
    }
    const movie = concat([
      initSegment({ tracks: [{ id: trackIds.video, config, startOffsetTicks: editTicks }] }),
      makeFragment(1, [{ trackId: trackIds.video, decodeTicks: 0, samples }]),
    ])
    const ptsTicks = target.dtsTicks + target.ctsTicks - editTicks
    return { jpeg: await decoder.pictureAt(movie, ptsTicks, widthPx), utcUs: target.utcUs }
  } finally {
    await file.close()
  }
}

/** The samples from a keyframe to those that may be shown at the instant: with B-frames some that decode after it. */
function groupFrom(
  segment: FootageSegment,
  track: TrackTable,
  entry: number,
  atUs: number,
  editTicks: number,
): GroupSample[] {
  const usOf = (ticks: number) => (ticks * 1e6) / track.timescale
  const last = Math.max(entry, segment.fragmentAt(atUs + usOf(editTicks)))
  const group: GroupSample[] = []
  let dtsTicks = 0
  for (let fragment = entry; fragment <= last; fragment++) {
    const startUs = segment.trackUtcUs(track, fragment)
    if (startUs === undefined) continue
    let own = 0
    for (
      let sample = segment.firstSample(track, fragment);
      sample < segment.firstSample(track, fragment + 1);
      sample++
    ) {
      const ctsTicks = track.hasOffsets ? track.offsets.values[sample]! : 0
      const durationTicks = track.durations.values[sample]!
      const utcUs = Math.round(startUs + usOf(own + ctsTicks - editTicks))
      group.push({ fragment, sample, dtsTicks, ctsTicks, durationTicks, utcUs })
      own += durationTicks
      dtsTicks += durationTicks
    }
  }
  return group
}

function offsetOf(segment: FootageSegment, track: TrackTable, { fragment, sample }: GroupSample): number {
  let { offset } = segment.trackData(track, fragment)
  for (let i = segment.firstSample(track, fragment); i < sample; i++) offset += track.sizes.values[i]!
  return offset
}
