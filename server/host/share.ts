// Shared folders: what the machine offers to the network.
import { Failure } from '../../shared/failure.ts'
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'

export interface SharedFolder {
  name: string
  /** Where its files are, links resolved; as the machine wrote it where nothing is there. */
  path: string
  comment: string
  /** Not shown to who looks around the network. */
  isHidden: boolean
  isReadOnly: boolean
  /** False where its volume is locked or gone. */
  isPresent: boolean
}

export interface ShareDraft {
  name: string
  comment: string
  /** The `mountPath` of the volume it is to stand on. */
  volumePath: string
}

export interface SharePart {
  list(): Promise<Finding<SharedFolder[]>>
  /** Fails `invalid` for a name no machine takes. Refused where the name is taken. */
  create(draft: ShareDraft, session?: HostSession): Promise<Finding<SharedFolder>>
}

/** Longest name of a shared folder, in characters. */
export const maxShareNameLength = 64

/** Fails `invalid`, with the field at fault, for a draft that no machine takes. */
export function checkShareDraft({ name, comment }: ShareDraft): void {
  if (name.length < 1 || name.length > maxShareNameLength || name.trim() !== name || name.startsWith('.')) {
    const limit = `must be 1 to ${maxShareNameLength} characters, not begin with a dot, not begin or end with a space`
    throw new Failure('invalid', `name: ${limit}`, { field: 'name' })
  }
  if (/["/\\[\]:;|=,+*?<>`'\x00-\x1f]/.test(name)) {
    throw new Failure('invalid', 'name: must hold none of " / \\ [ ] : ; | = , + * ? < > ` \'', { field: 'name' })
  }
  if (comment.length > 128 || /[\x00-\x1f]/.test(comment)) {
    throw new Failure('invalid', 'comment: must be one line of 128 characters or fewer', { field: 'comment' })
  }
}
