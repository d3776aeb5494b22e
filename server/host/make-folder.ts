// Makes a folder by the server's own rights.
import { mkdir } from 'node:fs/promises'
import { asFinding, type Finding, found, lack } from './finding.ts'

/** Milliseconds a volume may take. */
const limitMs = 5000

/** Nothing above it is made. Refused where it is there already; denied where the server may not. */
export function makeFolder(path: string): Promise<Finding<undefined>> {
  const attempt = `make folder ${path}`
  return asFinding(attempt, limitMs, async () => {
    try {
      await mkdir(path, { mode: 0o750 })
      return found(undefined)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return lack('refused', `${attempt}: it is there already`)
      if (code === 'ENOENT') return lack('refused', `${attempt}: the volume is not there`)
      throw error
    }
  })
}
