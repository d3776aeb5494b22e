// The list of apps: the only file that names two of them.
import type { AppDefinition } from '../base/app.ts'
import { cameras } from './cameras/app.ts'
import { liveView } from './live-view/app.ts'
import { playback } from './playback/app.ts'

export const apps: AppDefinition[] = [liveView, playback, cameras]
