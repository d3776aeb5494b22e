// Names of segment files (FORMAT.md §1).

export interface SegmentName {
  channelId: string
  stream: number
  kind: 'normal' | 'event'
  startUs: number
  runId: string
  sequence: number
}

/** Path of a segment below its space's folder. */
export function segmentPath(name: SegmentName): string {
  const iso = new Date(name.startUs / 1000).toISOString()
  const day = iso.slice(0, 10).replaceAll('-', '')
  const time = iso.slice(11, 23).replace(/[:.]/g, '')
  const folder = `${name.channelId}/${name.stream}-${name.kind}/${day}/${iso.slice(11, 13)}`
  return `${folder}/${day}T${time}Z-${name.runId}-${name.sequence}.mp4`
}

const pattern =
  /^([0-9a-f-]{36})\/([1-3])-(normal|event)\/\d{8}\/\d{2}\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([0-9a-f]{16})-(\d{1,15})\.mp4$/

/** What a path says; undefined where it is no segment's. */
export function parseSegmentPath(path: string): SegmentName | undefined {
  const match = pattern.exec(path)
  if (match === null) return undefined
  const [, channelId, stream, kind, year, month, day, hour, minute, second, ms, runId, sequence] = match
  const startMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
  if (Number.isNaN(startMs)) return undefined
  return {
    channelId: channelId!,
    stream: Number(stream),
    kind: kind as 'normal' | 'event',
    startUs: startMs * 1000,
    runId: runId!,
    sequence: Number(sequence),
  }
}

/** The sequence number in a segment's file name; undefined where the name is no segment's. */
export function sequenceOfName(fileName: string): number | undefined {
  const digits = /^\d{8}T\d{9}Z-[0-9a-f]{16}-(\d{1,15})\.mp4$/.exec(fileName)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
