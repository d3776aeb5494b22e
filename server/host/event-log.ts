// The machine's own log, which its own alerts go by.
import type { Finding } from './finding.ts'

export interface HostEvent {
  level: 'info' | 'warn' | 'error'
  /** One line; longer than 400 characters it is cut, control characters become spaces. */
  text: string
  /** Whose act it was, where it was somebody's. */
  user?: string | undefined
  clientAddress?: string | undefined
}

export interface EventLogPart {
  write(event: HostEvent): Promise<Finding<undefined>>
}

const maxTextLength = 400

/** The text as one line that any log takes. */
export function eventText(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, maxTextLength)
}
