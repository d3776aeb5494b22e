// The security level: who may connect at all.
import { Failure } from '../../shared/failure.ts'
import type { AccessRule, AccessRuleChange } from '../../shared/network.ts'
import type { SettingStore } from '../db/setting-store.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import { AddressList, isLoopback, plainAddress } from './address-list.ts'

const settingName = 'network-access'

export interface AccessOptions {
  settings: SettingStore
  log: LogService
  /** Called after each change: who is connected may not be any more. */
  onChanged: () => void
}

export class AccessService {
  readonly #options: AccessOptions
  #rule: AccessRule = { level: 'allow-all', entries: [] }
  #list = new AddressList([], fieldOf)

  constructor(options: AccessOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const stored = await this.#options.settings.get<AccessRule>(settingName)
    if (stored !== undefined) this.#take(stored, new AddressList(stored.entries, fieldOf))
  }

  get(): AccessRule {
    return this.#rule
  }

  /** Whether an address may connect; `address` plain. The machine itself always may. */
  isAdmitted(address: string): boolean {
    return isAdmittedBy(this.#rule, this.#list, address)
  }

  /**
   * Fails `invalid` at `entries.N` where one cannot be read; `conflict` where the address that asks would be locked out
   * and that is not confirmed.
   */
  async set(change: AccessRuleChange, by: LogAuthor): Promise<AccessRule> {
    const { isConfirmed, ...rule } = change
    const list = new AddressList(rule.entries, fieldOf)
    const own = plainAddress(by.address ?? '')
    if (!isConfirmed && own !== '' && !isAdmittedBy(rule, list, own)) {
      throw new Failure(
        'conflict',
        `entries: this would lock out ${own}, from where you ask; confirm to do it all the same`,
        {
          field: 'entries',
        },
      )
    }
    const before = this.#rule
    await this.#options.settings.set(settingName, rule)
    this.#take(rule, list)
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: 'network-access-updated',
      message: `the security level was set to ${rule.level}, with ${rule.entries.length} addresses or networks`,
      by,
      detail: { level: { from: before.level, to: rule.level }, entries: { from: before.entries, to: rule.entries } },
    })
    this.#options.onChanged()
    return rule
  }

  #take(rule: AccessRule, list: AddressList): void {
    this.#rule = rule
    this.#list = list
  }
}

function isAdmittedBy(rule: AccessRule, list: AddressList, address: string): boolean {
  if (rule.level === 'allow-all' || isLoopback(address)) return true
  return list.has(address) === (rule.level === 'allow-list')
}

function fieldOf(index: number): string {
  return `entries.${index}`
}
