// A try at a stream that failed: a value for the owner, carried as an error through the steps of the try.
import type { StreamFault } from '../../shared/stream.ts'
import type { SourceEnd } from './source.ts'

/** Ends a try or a session. Becomes the `SourceEnd` that the owner is told; never leaves the source. */
export class SourceFailure extends Error {
  readonly fault: StreamFault
  /** The instant (monotonic) before which the next try must not be made; 0 for none. */
  readonly notBeforeUs: number

  constructor(fault: StreamFault, detail: string, options: { notBeforeUs?: number; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SourceFailure'
    this.fault = fault
    this.notBeforeUs = options.notBeforeUs ?? 0
  }

  get end(): SourceEnd {
    return { fault: this.fault, detail: this.message }
  }
}

const wordsOfCode: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  EPIPE: 'connection closed',
  EACCES: 'not allowed to connect',
  EADDRNOTAVAIL: 'address not available',
}

/** What a socket's error means, for people: `connection refused`. */
export function wordsForSocket(error: NodeJS.ErrnoException): string {
  return wordsOfCode[error.code ?? ''] ?? error.message
}
