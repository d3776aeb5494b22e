// Instants, spans and amounts as people read them, in the browser's own time zone.

const language = 'en-GB'
const dateTime = new Intl.DateTimeFormat(language, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const time = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const date = new Intl.DateTimeFormat(language, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })

/** `22 Nov 2026, 14:03:22`. */
export function formatDateTime(ms: number): string {
  return dateTime.format(ms)
}

/** `14:03:22`. */
export function formatTime(ms: number): string {
  return time.format(ms)
}

/** `14:03:22.040`. */
export function formatTimeMs(ms: number): string {
  return `${time.format(ms)}.${String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, '0')}`
}

/** `Sun, 22 Nov 2026`. */
export function formatDate(ms: number): string {
  return date.format(ms)
}

/** The time of day where `ms` is today's, else date and time. */
export function formatSince(ms: number, nowMs = Date.now()): string {
  return new Date(ms).toDateString() === new Date(nowMs).toDateString() ? formatTime(ms) : formatDateTime(ms)
}

/** A length of time by its two largest units: `2 d 3 h`, `4 min 10 s`, `0.4 s`. */
export function formatDuration(ms: number): string {
  const sec = Math.max(0, ms) / 1000
  if (sec < 10) return `${(Math.round(sec * 10) / 10).toString()} s`
  const whole = Math.round(sec)
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** `3.2 GB`, powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `640 kbit/s` or `4.1 Mbit/s`. */
export function formatBitrate(kbps: number): string {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`
}

/** The value of an `<input type="datetime-local" step="1">` for an instant, and back; NaN where it is none. */
export function localFieldOf(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return at.toISOString().slice(0, 19)
}

export function msOfLocalField(value: string): number {
  return new Date(value).getTime()
}
