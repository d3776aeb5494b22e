// Figures of many measurements.

/** The value that a share of all, from 0 to 1, does not exceed: nearest rank. Fails where there are none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}
