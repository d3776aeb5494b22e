// The recorder's last settings, sealed in a file: by them it starts alone when no server is there.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { Seal } from '../base/seal.ts'
import type { RecorderSettings } from './recorder-protocol.ts'

/** The file's name in the data folder. */
export const lastSettingsName = 'recorder-settings.sealed'

const context = 'recorder:last-settings'

/** Keeps the settings: the file is replaced as a whole, and safe when this returns. */
export function keepSettings(path: string, seal: Seal, settings: RecorderSettings): void {
  const file = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeSync(file, seal.seal(JSON.stringify(settings), context))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
}

/** The settings last kept; undefined where there are none, or they cannot be read any more. */
export function lastSettings(path: string, seal: Seal): RecorderSettings | undefined {
  try {
    return JSON.parse(seal.unseal(readFileSync(path, 'utf8'), context)) as RecorderSettings
  } catch {
    return undefined
  }
}
