// The machines a package can be for, by everybody's name for them.
import { Failure } from '../../shared/failure.ts'

export interface Architecture {
  /** As `uname -m` says. */
  machine: 'x86_64' | 'aarch64'
  debian: 'amd64' | 'arm64'
  /** Of npm's `cpu` field, and of `node-linux-…`. */
  npm: 'x64' | 'arm64'
  /** Of qpkg.cfg. */
  qpkg: 'x86_64' | 'arm_64'
  /** Folder of Debian's libraries. */
  triplet: string
  loader: string
}

export const architectures: Record<string, Architecture> = {
  x86_64: {
    machine: 'x86_64',
    debian: 'amd64',
    npm: 'x64',
    qpkg: 'x86_64',
    triplet: 'x86_64-linux-gnu',
    loader: 'ld-linux-x86-64.so.2',
  },
  arm64: {
    machine: 'aarch64',
    debian: 'arm64',
    npm: 'arm64',
    qpkg: 'arm_64',
    triplet: 'aarch64-linux-gnu',
    loader: 'ld-linux-aarch64.so.1',
  },
}

/** Fails `invalid` for a machine that no package is made for. */
export function architectureOf(name: string): Architecture {
  const found = architectures[name]
  if (found !== undefined) return found
  const known = Object.keys(architectures).join(' or ')
  throw new Failure('invalid', `--arch: must be ${known}, not ${name}`, { field: '--arch' })
}
