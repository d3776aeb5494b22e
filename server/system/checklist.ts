// What is left to do after the setup, told from what is there.
import type { Checklist } from '../../shared/setup.ts'
import type { Space } from '../../shared/space.ts'
import type { StreamHealth } from '../../shared/stream.ts'

export interface ChecklistFacts {
  spaces: Space[]
  cameraCount: number
  health: StreamHealth[]
  isPictureSeen: boolean
  mustChangePassword: boolean
}

/** In the order they are best done. */
export function checklistItems(facts: ChecklistFacts): Checklist['items'] {
  const { spaces, cameraCount, health, isPictureSeen, mustChangePassword } = facts
  const hasSpace = spaces.some(({ state }) => state === 'normal' || state === 'warning')
  const isRecording = hasSpace && health.some((stream) => stream.isRecording)
  const obstacle = isRecording ? undefined : obstacleTo(facts, hasSpace)
  return [
    { name: 'password', isDone: !mustChangePassword },
    { name: 'camera', isDone: cameraCount > 0 },
    { name: 'space', isDone: isRecording, ...(obstacle === undefined ? {} : { detail: obstacle }) },
    { name: 'picture', isDone: isPictureSeen },
  ]
}

/** Why nothing is recorded. */
function obstacleTo({ spaces, cameraCount, health }: ChecklistFacts, hasSpace: boolean): string | undefined {
  const faulty = spaces.find(({ state }) => state === 'error')
  if (spaces.length === 0) return 'there is no recording space'
  if (!hasSpace && faulty !== undefined) return `${faulty.name}: ${faulty.faultDetail ?? faulty.fault ?? 'not usable'}`
  if (cameraCount === 0) return undefined
  return health.find((stream) => stream.isRecordWanted && !stream.isRecording)?.faultDetail
}
