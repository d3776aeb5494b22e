// The desktop built once for a run of tests, into a temporary folder of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rollup } from 'rollup'

let built: Promise<string> | undefined

/**
 * The folder that holds the built desktop; removed when the process ends its tests. `NIGHTJAR_DESKTOP_FOLDER` names one
 * that is built already.
 */
export function builtDesktop(): Promise<string> {
  built ??= build()
  return built
}

async function build(): Promise<string> {
  const given = process.env['NIGHTJAR_DESKTOP_FOLDER']
  if (given) return given
  const { default: config } = await import('../../../web-desktop/rollup.config.js')
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-desktop-'))
  const bundle = await rollup(config)
  await bundle.write({ ...config.output, dir: folder })
  await bundle.close()
  after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
