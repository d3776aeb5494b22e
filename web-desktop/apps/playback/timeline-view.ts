// The arithmetic of a timeline: which span it shows, and where its marks stand. Pure.

/** The span shown, in UTC milliseconds. */
export interface View {
  fromMs: number
  toMs: number
}

export const shortestViewMs = 1000
export const longestViewMs = 35 * 86_400_000

/** Steps of the zoom buttons and keys, and of a double click outward. */
export const viewStepsMs = [
  1000,
  10_000,
  60_000,
  600_000,
  3_600_000,
  6 * 3_600_000,
  86_400_000,
  7 * 86_400_000,
  35 * 86_400_000,
]

export function spanOf(view: View): number {
  return view.toMs - view.fromMs
}

export function msAt(view: View, share: number): number {
  return view.fromMs + share * spanOf(view)
}

export function shareOf(view: View, ms: number): number {
  return (ms - view.fromMs) / spanOf(view)
}

/** The view made `factor` times as long, the instant `atMs` staying where it is. */
export function zoomed(view: View, factor: number, atMs: number): View {
  const span = Math.min(longestViewMs, Math.max(shortestViewMs, spanOf(view) * factor))
  const fromMs = atMs - shareOf(view, atMs) * span
  return { fromMs, toMs: fromMs + span }
}

/** One step of `viewStepsMs` in or out, about `atMs`. */
export function stepped(view: View, way: 'in' | 'out', atMs: number): View {
  const span = spanOf(view)
  const next =
    way === 'in' ? viewStepsMs.findLast((one) => one < span * 0.99) : viewStepsMs.find((one) => one > span * 1.01)
  return next === undefined ? view : zoomed(view, next / span, atMs)
}

export function panned(view: View, byMs: number): View {
  return { fromMs: view.fromMs + byMs, toMs: view.toMs + byMs }
}

export function centredOn(view: View, ms: number): View {
  const half = spanOf(view) / 2
  return { fromMs: ms - half, toMs: ms + half }
}

export interface Tick {
  ms: number
  label: string
  /** A day begins here. */
  isDay: boolean
}

const hourMs = 3_600_000
const dayMs = 86_400_000
const stepsMs = [
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 1000),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 60_000),
  ...[1, 2, 3, 6, 12].map((n) => n * hourMs),
  ...[1, 2, 7].map((n) => n * dayMs),
]
const leastTickPx = 84

const language = 'en-GB'
const minuteFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' })
const secondFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(language, { weekday: 'short', day: 'numeric', month: 'short' })

/** The step between two marks, so that labels do not touch. */
export function tickStepMs(view: View, widthPx: number): number {
  const least = (spanOf(view) * leastTickPx) / Math.max(1, widthPx)
  return stepsMs.find((one) => one >= least) ?? 7 * dayMs
}

/**
 * The marks of a view, at round local times. Steps of an hour and more follow the local clock over its jumps: a day of
 * 25 hours has one mark more, one of 23 one less.
 */
export function ticksOf(view: View, widthPx: number): Tick[] {
  const stepMs = tickStepMs(view, widthPx)
  const ticks: Tick[] = []
  const add = (ms: number): void => {
    if (ms < view.fromMs || ms > view.toMs) return
    const at = new Date(ms)
    const isDay = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0 && ms % 1000 === 0
    ticks.push({ ms, label: labelOf(ms, stepMs, isDay), isDay })
  }
  if (stepMs < hourMs) {
    for (let ms = Math.ceil(view.fromMs / stepMs) * stepMs; ms <= view.toMs; ms += stepMs) add(ms)
    return ticks
  }
  const day = new Date(view.fromMs)
  day.setHours(0, 0, 0, 0)
  const everyDays = Math.max(1, stepMs / dayMs)
  if (everyDays > 1) day.setDate(day.getDate() - (Math.floor(day.getTime() / dayMs) % everyDays))
  while (day.getTime() <= view.toMs) {
    const next = new Date(day)
    next.setDate(day.getDate() + everyDays)
    if (stepMs >= dayMs) add(day.getTime())
    else {
      // Hour by hour, and only those the local clock shows as a multiple: right on days of 23 and 25 hours.
      for (let ms = day.getTime(); ms < next.getTime(); ms += hourMs) {
        if (new Date(ms).getHours() % (stepMs / hourMs) === 0) add(ms)
      }
    }
    day.setTime(next.getTime())
  }
  return ticks
}

function labelOf(ms: number, stepMs: number, isDay: boolean): string {
  if (isDay || stepMs >= dayMs) return dayFormat.format(ms)
  if (stepMs < 1000) return `${secondFormat.format(ms)}.${Math.floor((ms % 1000) / 100)}`
  return stepMs < 60_000 ? secondFormat.format(ms) : minuteFormat.format(ms)
}

/** Joins the spans of several tracks, and closes holes of less than `leastGapMs`. Sorted, without overlap. */
export function mergedSpans(spans: readonly [number, number][], leastGapMs = 0): [number, number][] {
  const sorted = [...spans].sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [start, end] of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && start <= last[1] + leastGapMs) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}

/** The span `ms` lies in, or undefined in a gap. */
export function spanAt(spans: readonly [number, number][], ms: number): [number, number] | undefined {
  return spans.find(([start, end]) => start <= ms && ms < end)
}
