// passport: one strategy for each place that keeps passwords.
import type { Request } from 'express'
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { LoginSource } from './login-source.ts'

declare global {
  namespace Express {
    /** What passport puts on the request. */
    interface User extends Account {
      /** May do nothing but change the password. */
      isPasswordExpired: boolean
    }
  }
}

/**
 * A passport of its own, so that two servers in one process (tests) share nothing. The strategy of a source has its name,
 * reads `{username, password, code}` of the body, and tells a `SourceOutcome` as passport's `info`.
 */
export function createPassport(accounts: AccountService, sources: LoginSource[]): InstanceType<typeof Passport> {
  const passport = new Passport()
  for (const source of sources) passport.use(source.name, strategyOf(source))
  passport.serializeUser<string>((user, done) => done(null, user.id))
  passport.deserializeUser<string>((id, done) => {
    // One that was disabled is logged in no more, whatever its cookie says.
    accounts.get(id).then((account) => done(null, account?.isEnabled ? accounts.asUser(account) : false), done)
  })
  return passport
}

function strategyOf(source: LoginSource): Strategy {
  return new Strategy({ passReqToCallback: true }, (request: Request, username, password, done) => {
    const { code } = request.body as { code?: string }
    const attempt = {
      ...{ username, password, code: code === '' ? undefined : code },
      ...{ address: request.ip ?? '', userAgent: request.get('user-agent') ?? '' },
    }
    // passport's `info` has a message by its type, and passes on whatever it is given.
    const tell = done as unknown as (error: unknown, user: false | object, outcome?: object) => void
    source
      .verify(attempt)
      .then((outcome) => tell(null, outcome.kind === 'passed' && outcome.account, outcome))
      .catch((error: unknown) => tell(error, false))
  })
}
