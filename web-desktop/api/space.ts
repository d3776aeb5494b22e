import type { Space } from '../../shared/space.ts'
import { getJson } from './client.ts'
import { Collection } from './collection.ts'
import { push } from './push.ts'

export const spaces = new Collection<Space>(
  () => getJson<Space[]>('api/spaces'),
  (space) => space.id,
)
push.on('space-changed', ({ space }) => spaces.put(space))
push.on('space-removed', ({ spaceId }) => spaces.remove(spaceId))
