// The `Range` header (RFC 9110 §14).

/** `[start, end)` in bytes. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * The one range a request asks for of `sizeBytes`, cut to what is there.
 *
 * Gives undefined where the whole is to be sent: no header, another unit, several ranges (which a server may answer
 * with the whole, §14.2) or a malformed one. Gives `unsatisfiable` where it begins past the end: 416.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first, last] = match as unknown as [string, string, string]
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= sizeBytes) return 'unsatisfiable'
  return { start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) }
}
