// The picture that is shown now, as a file.

/** A JPEG of what a video element or canvas shows, at its own size; undefined where it shows nothing. */
export async function pictureOf(shown: HTMLVideoElement | HTMLCanvasElement): Promise<Blob | undefined> {
  const isVideo = shown instanceof HTMLVideoElement
  const width = isVideo ? shown.videoWidth : shown.width
  const height = isVideo ? shown.videoHeight : shown.height
  if (width === 0 || height === 0) return undefined
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  canvas.getContext('2d')?.drawImage(shown, 0, 0)
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), 'image/jpeg', 0.92))
}

/** `Yard 2026-11-22 14-03-22.jpg`, in local time. */
export function snapshotName(cameraName: string, ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString()
  return `${cameraName} ${at.slice(0, 10)} ${at.slice(11, 19).replaceAll(':', '-')}.jpg`
}

/** Saves a file the way a link with `download` does. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
