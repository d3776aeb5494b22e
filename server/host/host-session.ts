// A login at the machine, as its key to what only its administrators may ask.
import { inspect } from 'node:util'

/** Holds the machine's own session id. Printed, logged or sent as JSON it says nothing. */
export class HostSession {
  readonly #id: string
  /** The account that logged in. */
  readonly accountName: string
  readonly isAdministrator: boolean

  constructor(id: string, accountName: string, isAdministrator: boolean) {
    this.#id = id
    this.accountName = accountName
    this.isAdministrator = isAdministrator
  }

  /** The session id, for a request to the machine and nothing else. */
  reveal(): string {
    return this.#id
  }

  toJSON(): string {
    return '(secret)'
  }

  [inspect.custom](): string {
    return `HostSession(${this.accountName})`
  }
}
