// The recorder's own log: the server's lines of JSON without the server's logger, which costs memory the recorder keeps for
// cameras.

export interface LineLog {
  info(message: string): void
  warn(message: string): void
  warn(detail: { err: unknown }, message: string): void
  error(message: string): void
  error(detail: { err: unknown }, message: string): void
}

const levels = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 } as const

/** Writes a line an event to standard output, from the level named on. */
export function createLineLog(name: string, fromLevel: string): LineLog {
  const least = levels[fromLevel as keyof typeof levels] ?? levels.info
  const write = (level: number, first: string | { err: unknown }, second?: string) => {
    if (level < least) return
    const error = typeof first === 'string' ? undefined : first.err
    const msg = typeof first === 'string' ? first : second
    const err = error instanceof Error ? { message: error.message, stack: error.stack } : error
    process.stdout.write(`${JSON.stringify({ level, time: Date.now(), name, msg, err })}\n`)
  }
  return {
    info: (message: string) => write(levels.info, message),
    warn: (first: string | { err: unknown }, second?: string) => write(levels.warn, first, second),
    error: (first: string | { err: unknown }, second?: string) => write(levels.error, first, second),
  }
}
