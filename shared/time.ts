// Instants, spans and media ticks, and the conversions between them.
import { z } from 'zod'

/** An instant: whole milliseconds since the Unix epoch, UTC. Up to the year 9999. */
export const instantMs = z.int().min(0).max(253_402_300_799_999)

/** A query's instant: the same, written as decimal digits. */
export const instantMsParam = z
  .string()
  .regex(/^\d{1,15}$/, 'must be milliseconds since 1970-01-01 UTC in digits')
  .transform(Number)

/** A half-open span `[startMs, endMs)`. */
export interface Span {
  startMs: number
  endMs: number
}

/** Ticks per second of the video clock (RFC 6184 §8.2.1). */
export const videoClockHz = 90_000

export function ticksFromMs(ms: number, clockHz: number): number {
  return Math.round((ms * clockHz) / 1000)
}

export function msFromTicks(ticks: number, clockHz: number): number {
  return (ticks * 1000) / clockHz
}

/** The part that two spans share, or undefined where they share none. */
export function intersectSpans(a: Span, b: Span): Span | undefined {
  const startMs = Math.max(a.startMs, b.startMs)
  const endMs = Math.min(a.endMs, b.endMs)
  return startMs < endMs ? { startMs, endMs } : undefined
}
