// How a bench speaks: figures on standard output, a line each; what it is doing on standard error.

export type Figures = Record<string, string | number | boolean | null>

export interface Report {
  /** Prints one row of figures. */
  row(figures: Figures): void
  /** Says what goes on. */
  tell(words: string): void
}

/** Figures as JSON, an object a line, or as `name value` pairs for people. */
export function makeReport(isJson: boolean): Report {
  return {
    row: (figures) => process.stdout.write(`${isJson ? JSON.stringify(figures) : plainRow(figures)}\n`),
    tell: (words) => process.stderr.write(`${words}\n`),
  }
}

function plainRow(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join('   ')
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
