import type { SpaceFault } from '../../shared/space.ts'
import { codeOf } from './disk.ts'

/** The space cannot take footage now. */
export class SpaceUnavailable extends Error {
  readonly fault: SpaceFault

  constructor(fault: SpaceFault, message: string) {
    super(message)
    this.name = 'SpaceUnavailable'
    this.fault = fault
  }
}

const faultOfCode: Record<string, SpaceFault> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'read-only',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ENODEV: 'missing',
}

/** What a failed call on the volume means for the space. */
export function asUnavailable(error: unknown, name: string): SpaceUnavailable {
  const fault = faultOfCode[codeOf(error)] ?? 'write-failed'
  return new SpaceUnavailable(fault, `space ${name}: ${error instanceof Error ? error.message : String(error)}`)
}
