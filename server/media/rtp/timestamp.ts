/** Counting past the 32 bits of an RTP timestamp and the 16 of a sequence number. */

/**
 * Extends a 32-bit RTP timestamp to the count of ticks since its run began.
 *
 * The wire carries the low 32 bits (RFC 3550 §5.1), which wrap every 13 hours at 90 kHz. Of the readings
 * possible the one nearest `previousTicks` is taken: a small step back stays a step back, and is no wrap.
 * Of two equally near, 2³¹ ticks away, it is the earlier. Negative where a step back leads before 0.
 */
export function extendTimestamp(low32: number, previousTicks: number): number {
  return previousTicks + ((low32 - (previousTicks % 2 ** 32)) | 0)
}

/**
 * How many packets `sequence` is after `previous`, both of 16 bits: 1 is the next, 0 a repeat, negative one that
 * comes late (RFC 3550 §A.1). From −32768 to 32767.
 */
export function sequenceDelta(sequence: number, previous: number): number {
  return ((sequence - previous) << 16) >> 16
}
