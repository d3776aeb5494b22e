// The kinds of failure and their shape on the wire. Without zod, for the recorder and the log-in page do without it.

export const failureKinds = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'limit',
  'rate-limited',
  'unreachable',
  'corrupt',
  'internal',
] as const

export type FailureKind = (typeof failureKinds)[number]

/** The HTTP status each kind of failure is answered with. */
export const statusOfFailure: Record<FailureKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 422,
  'rate-limited': 429,
  unreachable: 502,
  corrupt: 500,
  internal: 500,
}

/** The body of every answer that is not a success. `field` is the dotted path of the value at fault, where there is one. */
export interface FailureBody {
  kind: FailureKind
  message: string
  field?: string | undefined
}

/**
 * A promise not kept: what was tried, on which thing, and what was found.
 *
 * The message is shown to people and written to logs; it never holds a secret.
 */
export class Failure extends Error {
  readonly kind: FailureKind
  /** Dotted path of the request's value at fault, such as `streams.0.url`. */
  readonly field: string | undefined

  constructor(kind: FailureKind, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Failure'
    this.kind = kind
    this.field = options.field
  }

  toBody(): FailureBody {
    return this.field === undefined
      ? { kind: this.kind, message: this.message }
      : { kind: this.kind, message: this.message, field: this.field }
  }
}
