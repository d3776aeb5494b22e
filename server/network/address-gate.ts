// The gate before everything: an address that may not connect gets no further.
import type { RequestHandler } from 'express'
import { Failure } from '../../shared/failure.ts'
import type { AccessService } from './access-service.ts'
import { plainAddress } from './address-list.ts'
import type { BanService } from './ban-service.ts'

export class AddressGate {
  readonly #access: AccessService
  readonly #bans: BanService

  constructor(access: AccessService, bans: BanService) {
    this.#access = access
    this.#bans = bans
  }

  /** `address` as trusted proxies tell it; an empty one, of a connection that is gone, is let through to fail there. */
  isOpenTo(address: string): boolean {
    const plain = plainAddress(address)
    return plain === '' || (this.#access.isAdmitted(plain) && !this.#bans.isBanned(plain))
  }

  /** Fails `forbidden`. It does not say by which rule. */
  admit(address: string): void {
    if (!this.isOpenTo(address))
      throw new Failure('forbidden', `connections from ${plainAddress(address)} are not allowed`)
  }

  /** For every request, first of all. What is refused is also disconnected, so that asking on costs the asker most. */
  step(): RequestHandler {
    return (request, response, next) => {
      try {
        this.admit(request.ip ?? '')
      } catch (error) {
        response.setHeader('Connection', 'close')
        throw error
      }
      next()
    }
  }
}
