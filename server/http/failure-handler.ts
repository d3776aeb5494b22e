// The edge: every failure becomes a status and a body, and what nobody foresaw is logged, once.
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express'
import { Failure, statusOfFailure } from '../../shared/failure.ts'
import type { Logger } from '../base/logger.ts'
import { isDatabaseAway } from '../db/database.ts'
import { maxBodyBytes } from './router.ts'

/** Express's last handler: `Failure` as it says, body parser errors as `invalid`, anything else as `internal`. */
export function failureHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const failure = failureOf(error)
    if (failure.kind === 'internal' || failure.kind === 'corrupt') {
      logger.error({ err: error, method: request.method, path: request.path }, 'a request failed')
    } else if (failure.kind === 'unreachable') {
      logger.warn({ err: error, method: request.method, path: request.path }, 'a request failed')
    }
    // Half an answer cannot be taken back: closing tells the client that it is not whole.
    if (response.headersSent) response.destroy()
    else response.status(statusOfFailure[failure.kind]).json(failure.toBody())
  }
}

/** Any thrown thing as a failure. What is not one by itself shows nothing of its inside. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const { type, message, status } = (error ?? {}) as { type?: string; message?: string; status?: number }
  switch (type) {
    case 'entity.parse.failed':
      return new Failure('invalid', `the body is not JSON: ${message}`)
    case 'entity.too.large':
      return new Failure('invalid', `the body is larger than ${maxBodyBytes} bytes`)
    case 'encoding.unsupported':
    case 'charset.unsupported':
    case 'request.aborted':
    case 'request.size.invalid':
    case 'entity.verify.failed':
      return new Failure('invalid', `the body cannot be read: ${message}`)
  }
  // A path that cannot be decoded: express gives it status 400 and no type.
  if (status === 400) return new Failure('invalid', 'the address cannot be read')
  if (isDatabaseAway(error))
    return new Failure('unreachable', 'the database does not answer; try again', { cause: error })
  return new Failure('internal', 'something went wrong in the server; its log says more')
}
