/**
 * Copies `from[start, end)` to `to[at…)`. As `to.set(from.subarray(start, end), at)`, which for memory shared between
 * threads goes byte by byte (6.6 µs for 20 KB against 0.2 µs) and makes a view.
 */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  Buffer.prototype.copy.call(from, to, at, start, end)
}

/** A copy of `from[start, end)` in memory of its own. */
export function copyOf(from: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - start)
  copyBytes(from, start, end, copy, 0)
  return copy
}
