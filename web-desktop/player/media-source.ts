// Media Source Extensions as this browser has them: MediaSource, or ManagedMediaSource on an iPhone.

interface ManagedSource extends MediaSource {
  streaming?: boolean
}

function constructorOf(): (typeof MediaSource & { new (): ManagedSource }) | undefined {
  const scope = globalThis as unknown as Record<string, typeof MediaSource | undefined>
  return scope['MediaSource'] ?? scope['ManagedMediaSource']
}

/** True where this browser can play `mimeType` through Media Source Extensions. */
export function canPlayType(mimeType: string): boolean {
  return constructorOf()?.isTypeSupported(mimeType) ?? false
}

const probes = {
  h264: 'video/mp4; codecs="avc1.64001F"',
  h265: 'video/mp4; codecs="hvc1.1.6.L93.B0"',
  aac: 'audio/mp4; codecs="mp4a.40.2"',
} as const

/** The families of codecs this browser plays. */
export function playableFamilies(): (keyof typeof probes)[] {
  return (Object.keys(probes) as (keyof typeof probes)[]).filter((family) => canPlayType(probes[family]))
}

/** Gives `media` a new source and waits until it is open. Fails where the browser has no Media Source Extensions. */
export function openMediaSource(media: HTMLMediaElement): Promise<MediaSource> {
  const Source = constructorOf()
  if (Source === undefined) return Promise.reject(new Error('this browser has no Media Source Extensions'))
  const source = new Source()
  // ManagedMediaSource refuses to open on an element that may play elsewhere.
  media.disableRemotePlayback = true
  const url = URL.createObjectURL(source)
  return new Promise((resolve, reject) => {
    source.addEventListener(
      'sourceopen',
      () => {
        URL.revokeObjectURL(url)
        resolve(source)
      },
      { once: true },
    )
    media.addEventListener('error', () => reject(new Error('the browser did not open the media source')), {
      once: true,
    })
    media.src = url
  })
}

/** Lets go of what an element plays. */
export function closeMedia(media: HTMLMediaElement): void {
  media.pause()
  media.removeAttribute('src')
  media.load()
}

/** The end of the last buffered range, in seconds; undefined where nothing is buffered. */
export function bufferedEnd(buffered: TimeRanges): number | undefined {
  return buffered.length === 0 ? undefined : buffered.end(buffered.length - 1)
}

/** True where `sec` lies in a buffered range, with `slackSec` to spare at its start. */
export function isBuffered(buffered: TimeRanges, sec: number, slackSec = 0): boolean {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) - slackSec <= sec && sec < buffered.end(i)) return true
  }
  return false
}
