// Addresses, networks and ranges as people write them, and whether an address is among them.
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { Failure } from '../../shared/failure.ts'

type Family = 'ipv4' | 'ipv6'

/**
 * An address in the one form that is compared: an IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2)
 * becomes IPv4 again, a zone (`%eth0`) is dropped, IPv6 is written as RFC 5952 has it. `''` where it is no address.
 */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) return ''
  const shortest = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(shortest)
  if (mapped === null) return shortest
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Whether this is the machine itself, 127.0.0.0/8 or ::1; `address` plain. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

/**
 * What log-ins are counted and banned by: an IPv4 address, or the /64 of an IPv6 one, whose owner has all of it. In
 * `fe80::/10` everybody on the cable shares one /64, so there it is the address itself. `address` plain.
 */
export function sourceOf(address: string): string {
  if (!isIPv6(address) || isLoopback(address) || /^fe[89ab]/.test(address)) return address
  const [front = '', back = ''] = address.split('::')
  const before = front === '' ? [] : front.split(':')
  const after = back === '' ? [] : back.split(':')
  const words = [...before, ...Array(8 - before.length - after.length).fill('0'), ...after]
  const shown = address.includes('::') ? words : before
  return `${plainAddress(`${shown.slice(0, 4).join(':')}::`)}/64`
}

/** Entries, and whether an address is in one of them. */
export class AddressList {
  readonly #blocks = new BlockList()

  /** Fails `invalid` where an entry cannot be read; `fieldOf` names the field of the entry at an index. */
  constructor(entries: readonly string[], fieldOf: (index: number) => string) {
    for (const [index, entry] of entries.entries()) this.#add(entry, fieldOf(index))
  }

  /** `address` plain. */
  has(address: string): boolean {
    const family = familyOf(address)
    return family !== undefined && this.#blocks.check(address, family)
  }

  #add(entry: string, field: string): void {
    const wrong = (finding: string) => new Failure('invalid', `${field}: ${entry} ${finding}`, { field })
    const text = entry.replace(/\s+/g, '')
    const network = /^([^/]+)\/(\d{1,3})$/.exec(text)
    const range = /^([^-]+)-([^-]+)$/.exec(text)
    if (network !== null) {
      const address = plainAddress(network[1]!)
      const family = familyOf(address)
      if (family === undefined) throw wrong('has no IP address before the /')
      // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
      const isMapped = family === 'ipv4' && network[1]!.includes(':')
      const bits = Number(network[2]) - (isMapped ? 96 : 0)
      const most = family === 'ipv4' ? 32 : 128
      if (bits < 0 || bits > most) throw wrong(`has a prefix that is not within ${most} bits`)
      this.#blocks.addSubnet(address, bits, family)
    } else if (range !== null) {
      const [first, last] = [plainAddress(range[1]!), plainAddress(range[2]!)]
      const family = familyOf(first)
      if (family === undefined || family !== familyOf(last))
        throw wrong('has no two addresses of one kind around the -')
      try {
        this.#blocks.addRange(first, last, family)
      } catch {
        throw wrong('ends before it begins')
      }
    } else {
      const address = plainAddress(text)
      const family = familyOf(address)
      if (family === undefined) {
        throw wrong('must be an IP address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9')
      }
      this.#blocks.addAddress(address, family)
    }
  }
}

function familyOf(address: string): Family | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
