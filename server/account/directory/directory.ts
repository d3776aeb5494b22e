// People and groups of a directory.
import { type Client, type Entry, EqualityFilter, type Filter } from 'ldapts'
import type { DirectorySettings } from '../../../shared/directory.ts'
import { Failure } from '../../../shared/failure.ts'
import { bind, type ConnectionFacts, refusalCodeOf, withDirectory } from './directory-connection.ts'
import { escapeFilterValue, guidBytes, guidOf, type KindOfDirectory, kindsOfDirectory } from './directory-kind.ts'

export interface Person {
  dn: string
  /** What the directory knows the person by for ever. */
  id: string
  username: string
  displayName: string
  email: string
}

export interface Membership {
  mayLogIn: boolean
  isAdministrator: boolean
}

export type PersonOutcome =
  | { kind: 'passed'; person: Person; membership: Membership }
  | { kind: 'unknown' }
  | { kind: 'wrong' }
  | { kind: 'refused'; why: NonNullable<ReturnType<typeof refusalCodeOf>> }

/** Groups within groups are followed so far, and so many of them at most. */
const maxDepth = 6
const maxGroups = 500
const maxListed = 200
const pageSize = 200

export class Directory {
  readonly #settings: DirectorySettings
  readonly #bindPassword: string
  readonly #kind: KindOfDirectory

  constructor(settings: DirectorySettings, bindPassword: string) {
    this.#settings = settings
    this.#bindPassword = bindPassword
    this.#kind = kindsOfDirectory[settings.kind]
  }

  /** Whether a password is a person's own. Fails `unreachable` where no server answers, `forbidden` as `open` does. */
  verify(username: string, password: string): Promise<PersonOutcome> {
    return this.open(async (client) => {
      const person = await this.find(client, username)
      if (person === undefined) return { kind: 'unknown' }
      try {
        // On a way of its own: what follows is asked by who may look people up.
        if (!(await this.#connected((other) => bind(other, person.dn, password)))) return { kind: 'wrong' }
      } catch (error) {
        const why = refusalCodeOf(error)
        if (why === undefined) throw error
        return { kind: 'refused', why }
      }
      return { kind: 'passed', person, membership: await this.membership(client, person) }
    })
  }

  /** Runs `task` as who may look people up. Fails `forbidden` where that name or password is wrong. */
  open<T>(task: (client: Client, facts: ConnectionFacts) => Promise<T>): Promise<T> {
    return this.#connected(async (client, facts) => {
      const { bindDn } = this.#settings
      if (bindDn !== '' && !(await bind(client, bindDn, this.#bindPassword))) {
        throw new Failure('forbidden', `${facts.server}: does not take the password of ${bindDn}`)
      }
      return task(client, facts)
    })
  }

  /** The one person of that name. Undefined where there is none, or more than one: nobody can tell who is meant. */
  async find(client: Client, username: string): Promise<Person | undefined> {
    // `DOMAIN\user`, as Windows writes it.
    const name = this.#settings.kind === 'active-directory' ? username.replace(/^[^\\]*\\/, '') : username
    const filter = (this.#settings.userFilter || this.#kind.userFilter).replaceAll('{name}', escapeFilterValue(name))
    const people = await this.#people(client, filter, 2)
    return people.length === 1 ? people[0] : undefined
  }

  async findById(client: Client, id: string): Promise<Person | undefined> {
    const { idAttribute: attribute, isIdBinary } = this.#kind
    const value = isIdBinary ? guidBytes(id) : id
    return (await this.#people(client, new EqualityFilter({ attribute, value }), 1))[0]
  }

  /** People whose name, mail or full name begins so; everybody where it is empty. 200 at most. */
  list(client: Client, search: string): Promise<Person[]> {
    const value = escapeFilterValue(search)
    const { peopleFilter, usernameAttribute } = this.#kind
    const begins = [usernameAttribute, 'mail', 'cn', 'sn'].map((attribute) => `(${attribute}=${value}*)`).join('')
    return this.#people(client, search === '' ? peopleFilter : `(&${peopleFilter}(|${begins}))`, maxListed)
  }

  /** How many people there are. */
  async count(client: Client): Promise<number> {
    let count = 0
    const options = { filter: this.#kind.peopleFilter, attributes: ['1.1'], paged: { pageSize } }
    for await (const page of client.searchPaginated(this.#settings.baseDn, options)) count += page.searchEntries.length
    return count
  }

  async membership(client: Client, person: Person): Promise<Membership> {
    const { loginGroupDn, administratorsGroupDn } = this.#settings
    const wanted = [loginGroupDn, administratorsGroupDn].filter((dn) => dn !== '')
    if (wanted.length === 0) return { mayLogIn: true, isAdministrator: false }
    const groups = this.#kind.followsGroups
      ? await this.#groupsInChain(client, person, wanted)
      : await this.#groupsUpwards(client, person)
    const isIn = (dn: string) => groups.has(plainDn(dn))
    return {
      mayLogIn: loginGroupDn === '' || isIn(loginGroupDn),
      isAdministrator: administratorsGroupDn !== '' && isIn(administratorsGroupDn),
    }
  }

  #connected<T>(task: (client: Client, facts: ConnectionFacts) => Promise<T>): Promise<T> {
    const { servers, allowsPlain, authorityPem, timeoutSec } = this.#settings
    const plan = { servers, allowsPlain, authorityPem, timeoutMs: timeoutSec * 1000 }
    return withDirectory(plan, ({ client, facts }) => task(client, facts))
  }

  /** In pages: servers end a search that would give more than a thousand. References to other servers are not followed. */
  async #people(client: Client, filter: string | Filter, limit: number): Promise<Person[]> {
    const { usernameAttribute, idAttribute, isIdBinary } = this.#kind
    const people: Person[] = []
    const options = {
      ...{ filter, attributes: [usernameAttribute, idAttribute, 'mail', 'cn', 'displayName'] },
      ...(isIdBinary ? { explicitBufferAttributes: [idAttribute] } : {}),
      paged: { pageSize: Math.min(pageSize, limit) },
    }
    for await (const page of client.searchPaginated(this.#settings.baseDn, options)) {
      for (const entry of page.searchEntries) {
        const id = entry[idAttribute]
        const username = textOf(entry, usernameAttribute)
        if (username === '' || id === undefined || id.length === 0) continue
        people.push({
          dn: entry.dn,
          id: Buffer.isBuffer(id) ? guidOf(id) : textOf(entry, idAttribute),
          ...{ username, email: textOf(entry, 'mail') },
          displayName: textOf(entry, 'displayName') || textOf(entry, 'cn'),
        })
        if (people.length >= limit) return people
      }
    }
    return people
  }

  async #groupsInChain(client: Client, { dn }: Person, wanted: string[]): Promise<Set<string>> {
    const groups = new Set<string>()
    for (const group of wanted) {
      const filter = `(memberOf:1.2.840.113556.1.4.1941:=${escapeFilterValue(group)})`
      const { searchEntries } = await client.search(dn, { scope: 'base', filter, attributes: ['1.1'] })
      if (searchEntries.length > 0) groups.add(plainDn(group))
    }
    return groups
  }

  /** All groups a person is in, those that hold these groups among them, whatever circles they make. */
  async #groupsUpwards(client: Client, { dn, username }: Person): Promise<Set<string>> {
    const groups = new Set<string>()
    let found = [dn]
    for (let depth = 0; depth < maxDepth && found.length > 0 && groups.size < maxGroups; depth++) {
      const holds = found.flatMap((one) =>
        ['member', 'uniqueMember'].map((key) => `(${key}=${escapeFilterValue(one)})`),
      )
      if (depth === 0) holds.push(`(memberUid=${escapeFilterValue(username)})`)
      const options = { filter: `(|${holds.join('')})`, attributes: ['1.1'], sizeLimit: maxGroups }
      const base = this.#settings.groupBaseDn || this.#settings.baseDn
      const { searchEntries } = await client.search(base, options)
      found = searchEntries.map((entry) => entry.dn).filter((one) => !groups.has(plainDn(one)))
      for (const one of found) groups.add(plainDn(one))
    }
    return groups
  }
}

/** Names are compared as directories do: without regard to capitals, and to spaces beside commas and `=`. */
function plainDn(dn: string): string {
  return dn
    .toLowerCase()
    .replace(/\s*([,=])\s*/g, '$1')
    .trim()
}

function textOf(entry: Entry, attribute: string): string {
  const value = entry[attribute]
  const first = Array.isArray(value) ? value[0] : value
  return first === undefined ? '' : Buffer.isBuffer(first) ? first.toString('utf8') : first
}
