// A folder for a test's files, removed when the tests of the process are over.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

/** Makes an empty folder. */
export function makeTestFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-test-'))
  folders.push(folder)
  return folder
}

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
