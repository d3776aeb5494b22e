// Network access protection: bans an address that fails to log in too often, and those that people add by hand.
import { randomUUID } from 'node:crypto'
import { Failure } from '../../shared/failure.ts'
import type { Ban, BanDraft, Protection } from '../../shared/network.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { SettingStore } from '../db/setting-store.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import { AddressList, isLoopback, plainAddress, sourceOf } from './address-list.ts'
import type { BanStore } from './ban-store.ts'
import { FailedLogins } from './failed-logins.ts'

const settingName = 'network-protection'

const defaultProtection: Protection = { isEnabled: true, failedLogins: 10, withinMin: 10, banMin: 30 }

/** Bans kept at once; at more, somebody owns a botnet, and the oldest make room. */
const maxBans = 10_000

export interface BanOptions {
  store: BanStore
  settings: SettingStore
  /** Whether an address is a proxy's own: one that does not tell its clients apart must not be banned with them. */
  isProxy: (address: string) => boolean
  log: LogService
  clock: Clock
  logger: Logger
  /** Called after each new ban: who is connected may not be any more. */
  onChanged: () => void
}

interface HeldBan {
  ban: Ban
  list: AddressList
}

export class BanService {
  readonly #options: BanOptions
  readonly #failures = new FailedLogins()
  #protection = defaultProtection
  /** By target: an address or a /64 is found at once, */
  readonly #held = new Map<string, HeldBan>()
  /** and only targets of other forms, which people add, are gone through. */
  readonly #wide = new Set<HeldBan>()

  constructor(options: BanOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const { settings, store } = this.#options
    this.#protection = (await settings.get<Protection>(settingName)) ?? defaultProtection
    await store.removeOver(this.#nowMs())
    for (const ban of await store.list()) this.#hold(ban)
  }

  /** Whether an address is banned now; `address` plain. */
  isBanned(address: string): boolean {
    if (this.#held.size === 0 || isLoopback(address)) return false
    const nowMs = this.#nowMs()
    const found = [this.#held.get(address), this.#held.get(sourceOf(address)), ...this.#wide]
    return found.some((held) => held?.list.has(address) && isActive(held.ban, nowMs))
  }

  protection(): Protection {
    return this.#protection
  }

  async setProtection(protection: Protection, by: LogAuthor): Promise<Protection> {
    const before = this.#protection
    await this.#options.settings.set(settingName, protection)
    this.#protection = protection
    const keys = (Object.keys(protection) as (keyof Protection)[]).filter((key) => before[key] !== protection[key])
    if (keys.length > 0) {
      this.#options.log.record({
        kind: 'setting',
        level: 'info',
        name: 'network-protection-updated',
        message: `network access protection was changed: ${keys.join(', ')}`,
        by,
        detail: Object.fromEntries(keys.map((key) => [key, { from: before[key], to: protection[key] }])),
      })
    }
    return protection
  }

  /** Takes note of a failed log-in, and bans where it was one too many. */
  noteFailedLogin(address: string): void {
    const plain = plainAddress(address)
    const { isEnabled, failedLogins, withinMin, banMin } = this.#protection
    if (!isEnabled || plain === '' || isLoopback(plain) || this.#options.isProxy(plain)) return
    const source = sourceOf(plain)
    const count = this.#failures.note(source, this.#options.clock.monotonicUs(), withinMin * 60_000_000)
    if (count < failedLogins || this.isBanned(plain)) return
    this.#failures.forget(source)
    const ban = this.#banOf(source, banMin, 'failed-logins')
    this.#add(ban, {}, `${source} was banned ${spanText(banMin)} after ${count} failed log-ins`).catch((error) =>
      this.#options.logger.error({ err: error }, 'a ban could not be kept: it ends with this server'),
    )
  }

  /** Those in force, oldest first. */
  list(): Ban[] {
    const nowMs = this.#nowMs()
    return [...this.#held.values()].map(({ ban }) => ban).filter((ban) => isActive(ban, nowMs))
  }

  /**
   * Fails `invalid` at `target` where it cannot be read; `conflict` where the address that asks would be banned and that
   * is not confirmed.
   */
  async create(draft: BanDraft, by: LogAuthor): Promise<Ban> {
    const list = new AddressList([draft.target], () => 'target')
    const own = plainAddress(by.address ?? '')
    if (!draft.isConfirmed && list.has(own) && !isLoopback(own)) {
      throw new Failure(
        'conflict',
        `target: this would ban ${own}, from where you ask; confirm to do it all the same`,
        {
          field: 'target',
        },
      )
    }
    const target = plainAddress(draft.target) || draft.target.replace(/\s+/g, '')
    const ban: Ban = {
      ...this.#banOf(target, draft.banMin, 'manual'),
      ...(by.username === undefined ? {} : { username: by.username }),
    }
    await this.#add(ban, by, `${target} was banned ${spanText(draft.banMin)}`)
    return ban
  }

  /** Lifts a ban. Fails `not-found`. */
  async remove(id: string, by: LogAuthor): Promise<void> {
    const held = [...this.#held.values()].find(({ ban }) => ban.id === id)
    if (held === undefined) throw new Failure('not-found', `ban ${id}: there is none`)
    await this.#options.store.remove(id)
    this.#release(held)
    const { target } = held.ban
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: 'address-unbanned',
      message: `the ban of ${target} was lifted`,
      by,
      detail: { target: { from: target, to: null } },
    })
  }

  #banOf(target: string, banMin: number | null, reason: Ban['reason']): Ban {
    const sinceMs = this.#nowMs()
    return {
      id: randomUUID(),
      target,
      sinceMs,
      ...(banMin === null ? {} : { untilMs: sinceMs + banMin * 60_000 }),
      reason,
    }
  }

  /** In force at once; kept a moment later, for a log-in's answer does not wait for it. */
  async #add(ban: Ban, by: LogAuthor, message: string): Promise<void> {
    const { store, log } = this.#options
    for (const held of this.#held.values()) if (!isActive(held.ban, ban.sinceMs)) this.#release(held)
    this.#hold(ban)
    const isManual = ban.reason === 'manual'
    log.record({
      kind: isManual ? 'setting' : 'connection',
      level: isManual ? 'info' : 'warning',
      name: 'address-banned',
      message,
      by,
      detail: { target: ban.target, untilMs: ban.untilMs ?? null },
    })
    this.#options.onChanged()
    await store.removeOver(ban.sinceMs)
    await store.create(ban)
    const over = this.#held.size > maxBans ? this.#held.values().next().value : undefined
    if (over === undefined) return
    await store.remove(over.ban.id)
    this.#release(over)
  }

  #hold(ban: Ban): void {
    const former = this.#held.get(ban.target)
    if (former !== undefined) this.#release(former)
    const held = { ban, list: new AddressList([ban.target], () => 'target') }
    this.#held.set(ban.target, held)
    const isNarrow = plainAddress(ban.target) !== '' || ban.target === sourceOf(plainAddress(ban.target.split('/')[0]!))
    if (!isNarrow) this.#wide.add(held)
  }

  #release(held: HeldBan): void {
    this.#held.delete(held.ban.target)
    this.#wide.delete(held)
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function isActive(ban: Ban, nowMs: number): boolean {
  return ban.untilMs === undefined || ban.untilMs > nowMs
}

function spanText(banMin: number | null): string {
  return banMin === null ? 'for ever' : `for ${banMin} minutes`
}
