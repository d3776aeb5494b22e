// The files that go into a package's data part, under the names they have there.
import { closeSync, createReadStream, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'
import { folderMember, type TarMember } from './tar-writer.ts'

/** Something to put into the package besides `shared/`. */
export interface Addition {
  /** A file or a folder. */
  source: string
  /** Where it goes, below the install folder; `.` for the install folder itself. */
  destination: string
}

/** `source=destination`. Fails `invalid` on a destination that leaves the install folder. */
export function parseAddition(text: string): Addition {
  const at = text.lastIndexOf('=')
  const [source, destination] = [text.slice(0, at), text.slice(at + 1).replace(/\/$/, '')]
  const isInside = destination !== '' && !destination.startsWith('/') && !destination.split('/').includes('..')
  if (at > 0 && isInside) return { source, destination: destination.replace(/^(\.\/)+/, '') }
  throw new Failure(
    'invalid',
    `--add: ${JSON.stringify(text)} is not SOURCE=DESTINATION, with DESTINATION a path within`,
    {
      field: '--add',
    },
  )
}

/** Collects members by name, folders above them included, and gives them sorted. */
export class SourceTree {
  readonly #members = new Map<string, { member: TarMember; source: string }>()

  constructor() {
    this.#members.set('./', { member: folderMember('./'), source: 'the install folder' })
  }

  /** Adds a file, or a folder with all below it. Fails `not-found`, or `conflict` where two things have one name. */
  add({ source, destination }: Addition): void {
    const found = lstatSync(source, { throwIfNoEntry: false })
    if (found === undefined) throw new Failure('not-found', `pack ${source}: it is not there`)
    const parts = destination.split('/').filter((part) => part !== '.' && part !== '')
    for (let depth = 1; depth < parts.length; depth++) this.#addFolder(`./${parts.slice(0, depth).join('/')}/`, source)
    const name = `./${parts.join('/')}`
    if (found.isSymbolicLink()) {
      this.#set(name, source, { name, kind: 'link', mode: 0o777, sizeBytes: 0, target: readlinkSync(source) })
    } else if (found.isFile()) {
      if (name === './') throw new Failure('invalid', `pack ${source}: a file needs a name of its own`)
      const open = () => createReadStream(source)
      this.#set(name, source, { name, kind: 'file', mode: modeOf(source), sizeBytes: found.size, open })
    } else if (found.isDirectory()) {
      if (name !== './') this.#addFolder(`${name}/`, source)
      const below = name === './' ? '' : `${parts.join('/')}/`
      for (const entry of readdirSync(source)) {
        this.add({ source: join(source, entry), destination: `${below}${entry}` })
      }
    } else {
      throw new Failure('invalid', `pack ${source}: it is neither file, folder nor link`)
    }
  }

  /** All members in the order of their names' bytes; a folder stands before what is in it. */
  sorted(): TarMember[] {
    const members = [...this.#members.values()].map(({ member }) => member)
    return members.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  }

  has(name: string): boolean {
    return this.#members.has(name)
  }

  #addFolder(name: string, source: string): void {
    if (this.#members.has(name)) return
    this.#refuseTwice(name, source)
    this.#members.set(name, { member: folderMember(name), source })
  }

  #set(name: string, source: string, member: TarMember): void {
    this.#refuseTwice(name, source)
    this.#members.set(name, { member, source })
  }

  #refuseTwice(name: string, source: string): void {
    const bare = name.replace(/\/$/, '')
    const other = this.#members.get(bare) ?? this.#members.get(`${bare}/`)
    if (other === undefined) return
    throw new Failure('conflict', `pack ${source} as ${name}: ${other.source} has that name already`)
  }
}

/** What can be run may be run, whatever umask or file system the sources passed through: scripts and ELF files. */
function modeOf(file: string): number {
  const start = Buffer.alloc(4)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, start, 0, 4, 0)
  } finally {
    closeSync(handle)
  }
  const isProgram = start.toString('latin1', 0, 2) === '#!' || start.toString('latin1') === '\x7fELF'
  return isProgram ? 0o755 : 0o644
}
