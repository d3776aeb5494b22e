// How a stream's bytes reach us, told by its address.

/** How a stream's bytes reach us. All but `rtsp` go through one ffmpeg each. */
export const sourceKinds = ['rtsp', 'rtmp', 'http-mjpeg', 'mpegts-udp', 'file'] as const
export type SourceKind = (typeof sourceKinds)[number]

/** Address schemes, and the kind of source each one names. */
export const kindOfScheme: Record<string, SourceKind> = {
  rtsp: 'rtsp',
  rtsps: 'rtsp',
  rtmp: 'rtmp',
  rtmps: 'rtmp',
  http: 'http-mjpeg',
  https: 'http-mjpeg',
  udp: 'mpegts-udp',
  file: 'file',
}

/** The kind of source an address names, or undefined where its scheme is none of ours. */
export function sourceKindOf(url: string): SourceKind | undefined {
  const scheme = /^([a-z]+):\/\//i.exec(url)?.[1]
  return scheme === undefined ? undefined : kindOfScheme[scheme.toLowerCase()]
}
