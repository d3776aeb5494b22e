// Opens the session of somebody who has passed, however that came about.
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Request } from 'express'
import type { Clock } from '../base/clock.ts'
import { cookiePathOf } from '../http/session.ts'

export async function openLogin(
  request: Request,
  account: Express.User,
  { clock, basePath }: { clock: Clock; basePath: string },
): Promise<void> {
  // passport makes a new session here: an id that somebody planted before the login is worth nothing after it.
  await promisify(request.logIn.bind(request) as (user: Express.User, done: (error?: unknown) => void) => void)(account)
  request.session.csrfToken = randomBytes(24).toString('base64url')
  const nowMs = Math.floor(clock.utcUs() / 1000)
  request.session.keptMs = nowMs
  request.session.startedMs = nowMs
  request.session.address = request.ip ?? ''
  request.session.userAgent = (request.get('user-agent') ?? '').slice(0, 200)
  // Only a page of ours can send this request: JSON from another origin needs a leave (CORS) that is never given.
  request.session.origin = request.get('origin')
  request.session.cookie.path = cookiePathOf(request, basePath)
}
