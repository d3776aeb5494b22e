// The configuration as text.
import { stringify } from 'yaml'
import type { Camera } from '../../shared/camera.ts'
import { type Configuration, configuration, configurationVersion } from '../../shared/configuration.ts'
import type { Space } from '../../shared/space.ts'

/**
 * Spaces and cameras as people have set them, in an order that does not change by itself: two of them can be compared line
 * by line. Channels that were only found in a space are left out, for nobody set them up.
 */
export function configurationOf(spaces: readonly Space[], cameras: readonly Camera[]): Configuration {
  const names = new Map(spaces.map(({ id, name }) => [id, name]))
  const byChannel = cameras.filter((camera) => !camera.isRecovered).sort((a, b) => a.channel - b.channel)
  return configuration.parse({
    nightjarConfiguration: configurationVersion,
    spaces: [...spaces].sort((a, b) => (a.name < b.name ? -1 : 1)),
    cameras: byChannel.map((camera) => ({ ...camera, space: names.get(camera.spaceId) ?? '' })),
  })
}

/** The same as YAML 1.2. */
export function configurationText(value: Configuration): string {
  return `# Nightjar: recording spaces and cameras. Passwords are not part of this file.\n${stringify(value)}`
}
