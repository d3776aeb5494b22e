// The accounts whose passwords are kept here.
import type { AccountService } from './account-service.ts'
import type { LoginSource } from './login-source.ts'

export function localSource(accounts: AccountService): LoginSource {
  return {
    name: 'local',
    isOn: true,
    async verify({ username, password }) {
      const { account, isRight } = await accounts.verify(username, password)
      if (account === undefined) return { kind: 'unknown' }
      if (!isRight) return { kind: 'wrong' }
      return { kind: 'passed', account, isSecondStepDone: false }
    },
  }
}
