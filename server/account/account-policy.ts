// What a password must be, and when an account must change it or log in again.
import type { AccountPolicy, PasswordPolicy } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { SettingStore } from '../db/setting-store.ts'

const settingName = 'account-policy'

export const defaultAccountPolicy: AccountPolicy = {
  password: {
    // NIST SP 800-63B §5.1.1.2: length counts, rules of composition do not.
    minLength: 8,
    needsLowerCase: false,
    needsUpperCase: false,
    needsDigit: false,
    needsSpecial: false,
    forbidsRepeats: false,
    forbidsUsername: true,
    maxAgeDays: 0,
  },
  idleMinutes: 0,
}

const dayMs = 86_400_000

/** The policy as administrators set it; kept in memory, for every request asks. */
export class AccountPolicies {
  readonly #settings: SettingStore
  #policy: AccountPolicy = defaultAccountPolicy

  private constructor(settings: SettingStore, policy: AccountPolicy) {
    this.#settings = settings
    this.#policy = policy
  }

  static async open(settings: SettingStore): Promise<AccountPolicies> {
    const kept = await settings.get<Partial<AccountPolicy>>(settingName)
    return new AccountPolicies(settings, {
      ...defaultAccountPolicy,
      ...kept,
      password: { ...defaultAccountPolicy.password, ...kept?.password },
    })
  }

  get(): AccountPolicy {
    return this.#policy
  }

  async set(policy: AccountPolicy): Promise<void> {
    await this.#settings.set(settingName, policy)
    this.#policy = policy
  }

  /** Fails `invalid` at `field` where the policy forbids the password, naming the rule. */
  checkPassword(password: string, username: string, field: string): void {
    const finding = findingOf(password, username, this.#policy.password)
    if (finding !== undefined) throw new Failure('invalid', `${field}: ${finding}`, { field })
  }

  /** Whether a password that was set at `changedMs` is too old at `nowMs`. */
  isTooOld(changedMs: number, nowMs: number): boolean {
    const { maxAgeDays } = this.#policy.password
    return maxAgeDays > 0 && nowMs - changedMs > maxAgeDays * dayMs
  }
}

function findingOf(password: string, username: string, policy: PasswordPolicy): string | undefined {
  const lower = password.toLowerCase()
  const name = username.toLowerCase()
  const backwards = [...name].reverse().join('')
  if (password.length < policy.minLength) return `must be ${policy.minLength} characters or more`
  if (policy.needsLowerCase && !/[a-z]/.test(password)) return 'must hold a lower-case letter'
  if (policy.needsUpperCase && !/[A-Z]/.test(password)) return 'must hold an upper-case letter'
  if (policy.needsDigit && !/\d/.test(password)) return 'must hold a digit'
  if (policy.needsSpecial && !/[^A-Za-z0-9]/.test(password)) return 'must hold a sign that is no letter and no digit'
  if (policy.forbidsRepeats && /(.)\1\1/.test(password)) return 'must not hold a character three times in a row'
  if (policy.forbidsUsername && (lower === name || lower === backwards)) {
    return 'must not be the user name, nor the user name backwards'
  }
  return undefined
}
