// passport: local accounts now; NAS accounts and others are strategies beside this one.
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'

declare global {
  namespace Express {
    /** What passport puts on the request. */
    interface User extends Account {
      /** May do nothing but change the password. */
      isPasswordExpired: boolean
    }
  }
}

/** A passport of its own, so that two servers in one process (tests) share nothing. */
export function createPassport(accounts: AccountService): InstanceType<typeof Passport> {
  const passport = new Passport()
  const asUser = (account: Account | undefined): Express.User | false =>
    account !== undefined && { ...account, isPasswordExpired: accounts.isPasswordExpired(account) }
  passport.use(
    new Strategy((username, password, done) => {
      accounts.verify(username, password).then((account) => done(null, asUser(account)), done)
    }),
  )
  passport.serializeUser<string>((user, done) => done(null, user.id))
  passport.deserializeUser<string>((id, done) => {
    // One that was disabled is logged in no more, whatever its cookie says.
    accounts.get(id).then((account) => done(null, account?.isEnabled ? asUser(account) : false), done)
  })
  return passport
}
