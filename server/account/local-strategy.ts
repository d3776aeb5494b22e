// passport: local accounts now; NAS accounts and others are strategies beside this one.
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import type { AccountService } from './account-service.ts'

/** A passport of its own, so that two servers in one process (tests) share nothing. */
export function createPassport(accounts: AccountService): InstanceType<typeof Passport> {
  const passport = new Passport()
  passport.use(
    new Strategy((username, password, done) => {
      accounts.verify(username, password).then((account) => done(null, account ?? false), done)
    }),
  )
  passport.serializeUser<string>((user, done) => done(null, user.id))
  passport.deserializeUser<string>((id, done) => {
    accounts.get(id).then((account) => done(null, account ?? false), done)
  })
  return passport
}
