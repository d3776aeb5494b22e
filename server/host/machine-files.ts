// The machine's small files, below the root of its file tree.
import { access, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'

/** No file read here is larger; one that is has been put there by mistake. */
const maxBytes = 1024 * 1024

export class MachineFiles {
  /** `/`, but for a simulated machine. */
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Where a path of the machine is to be found by us. */
  path(path: string): string {
    return join(this.root, path)
  }

  /** The same with links resolved, or as it was where nothing is there. */
  async resolve(path: string): Promise<string> {
    return realpath(this.path(path)).catch(() => this.path(path))
  }

  async has(path: string): Promise<boolean> {
    return access(this.path(path)).then(
      () => true,
      () => false,
    )
  }

  /** The text, or undefined where there is no such file. Fails `corrupt` past 1 MiB, else with the system's error. */
  async read(path: string): Promise<string | undefined> {
    const file = await open(this.path(path)).catch(absent)
    if (file === undefined) return undefined
    try {
      const parts: Buffer[] = []
      for (let length = 0; ; ) {
        const part = Buffer.alloc(64 * 1024)
        const { bytesRead } = await file.read(part, 0, part.length)
        if (bytesRead === 0) return Buffer.concat(parts).toString('utf8')
        parts.push(part.subarray(0, bytesRead))
        length += bytesRead
        if (length > maxBytes) throw new Failure('corrupt', `read ${path}: more than ${maxBytes} bytes`)
      }
    } finally {
      await file.close()
    }
  }

  /** One line, without white space around it; undefined where there is no file or nothing in it. */
  async readLine(path: string): Promise<string | undefined> {
    const text = (await this.read(path))?.trim()
    return text === '' ? undefined : text
  }

  /** Names in a folder, in order; none where there is no such folder. */
  async list(path: string): Promise<string[]> {
    return ((await readdir(this.path(path)).catch(absent)) ?? []).sort()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
