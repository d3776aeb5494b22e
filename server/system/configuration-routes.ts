import type { Camera } from '../../shared/camera.ts'
import type { Space } from '../../shared/space.ts'
import { mediaRoute, type Route } from '../http/router.ts'
import { configurationOf, configurationText } from './configuration.ts'

export interface ConfigurationSources {
  spaces: () => Promise<Space[]> | Space[]
  cameras: () => Promise<Camera[]> | Camera[]
  /** Now, UTC milliseconds. */
  nowMs: () => number
}

export function configurationRoutes({ spaces, cameras, nowMs }: ConfigurationSources): Route[] {
  return [
    mediaRoute(
      {
        method: 'get',
        path: 'api/configuration.yaml',
        answer: { contentTypes: ['application/yaml'] },
        privilege: 'surveillance.manage',
        summary: 'Recording spaces and cameras as text, without any password.',
      },
      async ({ response }) => {
        const text = configurationText(configurationOf(await spaces(), await cameras()))
        const day = new Date(nowMs()).toISOString().slice(0, 10)
        response.setHeader('Content-Type', 'application/yaml')
        response.setHeader('Content-Disposition', `attachment; filename="nightjar-${day}.yaml"`)
        response.setHeader('Cache-Control', 'no-store')
        response.end(text)
      },
    ),
  ]
}
