// Names of cameras to addresses, without libuv's pool.
//
// `dns.lookup` runs in the pool that file calls share: four of them stuck on a hung disk would stop every reconnect, and
// four stuck on a dead DNS server every write. `dns.Resolver` speaks DNS on sockets of its own. What it does not do is
// done here: IP literals, the hosts file, and the search list of resolv.conf. Names that only the system's resolver can
// find (`.local` of mDNS, NIS) are not found.
import { Resolver as DnsResolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { Failure } from '../../shared/failure.ts'
import { type Clock, systemClock } from './clock.ts'

/** Finds the addresses of a host. */
export interface Resolver {
  /** IP addresses of `host`, best first, at least one. Fails `unreachable`, within 4 s. */
  resolve(host: string): Promise<string[]>
}

export interface HostResolverOptions {
  clock?: Clock
  /** DNS servers, `address` or `address:port`; those of the system where not given. */
  servers?: string[]
  hostsPath?: string
  resolvConfPath?: string
  /** How long one question may take, in milliseconds. Default 3000. */
  timeoutMs?: number
}

interface Answer {
  addresses: string[]
  freshUntilUs: number
}

/** The shortest and longest time an answer is believed without asking again, in seconds, whatever its TTL. */
const leastTtlSec = 5
const mostTtlSec = 300
/** How long the hosts file is believed, in microseconds. */
const hostsFreshUs = 30_000_000
/** The most names kept. */
const maxAnswers = 1024

/**
 * Resolves by the hosts file, then by DNS with a cache.
 *
 * An answer that has aged is used all the same when DNS fails: a camera seldom moves, and a DNS server that is down must
 * not stop recording. Questions for one name that is being asked already share the answer.
 */
export class HostResolver implements Resolver {
  readonly #clock: Clock
  readonly #dns: DnsResolver
  readonly #hostsPath: string
  readonly #timeoutMs: number
  readonly #searchDomains: string[]
  readonly #answers = new Map<string, Answer>()
  readonly #asking = new Map<string, Promise<string[]>>()
  #hosts: Map<string, string[]>
  #hostsReadUs: number
  #isReadingHosts = false

  constructor(options: HostResolverOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#timeoutMs = options.timeoutMs ?? 3000
    this.#dns = new DnsResolver({ timeout: Math.ceil(this.#timeoutMs / 2), tries: 2 })
    if (options.servers !== undefined) this.#dns.setServers(options.servers)
    this.#hostsPath = options.hostsPath ?? '/etc/hosts'
    this.#hosts = parseHosts(readTextNow(this.#hostsPath))
    this.#hostsReadUs = this.#clock.monotonicUs()
    this.#searchDomains = parseSearchDomains(readTextNow(options.resolvConfPath ?? '/etc/resolv.conf'))
  }

  async resolve(host: string): Promise<string[]> {
    const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
    if (isIP(name) !== 0) return [name]
    this.#refreshHosts()
    const listed = this.#hosts.get(name)
    if (listed !== undefined) return listed
    // RFC 6761 §6.3: this name is the machine itself, whatever DNS says.
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1']
    const known = this.#answers.get(name)
    if (known !== undefined && this.#clock.monotonicUs() < known.freshUntilUs) return known.addresses
    let asking = this.#asking.get(name)
    if (asking === undefined) {
      asking = this.#ask(name).finally(() => this.#asking.delete(name))
      this.#asking.set(name, asking)
    }
    return asking
  }

  async #ask(name: string): Promise<string[]> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer from DNS')), this.#timeoutMs)
    })
    try {
      const answer = await Promise.race([this.#query(name), late])
      if (this.#answers.size >= maxAnswers) this.#answers.delete(this.#answers.keys().next().value!)
      this.#answers.set(name, answer)
      return answer.addresses
    } catch (error) {
      const stale = this.#answers.get(name)
      if (stale !== undefined) return stale.addresses
      throw new Failure('unreachable', `resolve ${name}: ${wordsForDns(error)}`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  async #query(name: string): Promise<Answer> {
    // As the system's resolver does by default (`ndots:1`): a name without a dot is looked for in the search list first.
    const hasDot = name.includes('.')
    const inDomains = name.endsWith('.') ? [] : this.#searchDomains.map((domain) => `${name}.${domain}`)
    const names = hasDot ? [name, ...inDomains] : [...inDomains, name]
    let failure: unknown
    for (const full of names) {
      try {
        return await this.#queryOne(full)
      } catch (error) {
        failure = error
        if (!isNoSuchName(error)) break
      }
    }
    throw failure
  }

  async #queryOne(name: string): Promise<Answer> {
    const [v4, v6] = await Promise.allSettled([
      this.#dns.resolve4(name, { ttl: true }),
      this.#dns.resolve6(name, { ttl: true }),
    ])
    const records = [v4, v6].flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    if (records.length === 0) throw v4.status === 'rejected' ? v4.reason : new Error('no address')
    const ttlSec = Math.max(leastTtlSec, Math.min(mostTtlSec, ...records.map((record) => record.ttl)))
    return {
      addresses: records.map((record) => record.address),
      freshUntilUs: this.#clock.monotonicUs() + ttlSec * 1_000_000,
    }
  }

  /** Reads the hosts file again in the background, never waited for: the disk may hang. */
  #refreshHosts(): void {
    const nowUs = this.#clock.monotonicUs()
    if (this.#isReadingHosts || nowUs - this.#hostsReadUs < hostsFreshUs) return
    this.#isReadingHosts = true
    readFile(this.#hostsPath, 'utf8')
      .then((text) => {
        this.#hosts = parseHosts(text)
      })
      .catch(() => undefined)
      .finally(() => {
        this.#isReadingHosts = false
        this.#hostsReadUs = this.#clock.monotonicUs()
      })
  }
}

function readTextNow(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Reads a hosts file (hosts(5)): an address and its names on a line, `#` begins a comment. Names in lower case. */
export function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const name of names.map((each) => each.toLowerCase())) {
      hosts.set(name, [...(hosts.get(name) ?? []), address])
    }
  }
  for (const [name, addresses] of hosts)
    hosts.set(
      name,
      addresses.sort((a, b) => isIP(a) - isIP(b)),
    )
  return hosts
}

/** The search list of a resolv.conf (resolv.conf(5)): of several `search` or `domain` lines the last counts. */
export function parseSearchDomains(text: string): string[] {
  const lines = [...text.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)]
  const last = lines.at(-1)?.[1] ?? ''
  return last
    .trim()
    .split(/\s+/)
    .filter((domain) => domain !== '' && domain !== '.')
    .slice(0, 6)
}

function isNoSuchName(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOTFOUND' || code === 'ENODATA'
}

function wordsForDns(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOTFOUND') return 'no such name'
  if (code === 'ENODATA') return 'the name has no address'
  if (code === 'ETIMEOUT' || code === 'ECONNREFUSED') return 'no answer from DNS'
  return code === undefined ? message : `DNS failed (${code})`
}
