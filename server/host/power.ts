// Restarting and shutting down the machine.
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'

/** Found means the machine has taken the wish; what follows is that it goes away. */
export interface PowerPart {
  /** Whether it could be asked at all; nothing is asked yet. */
  check(session?: HostSession): Promise<Finding<undefined>>
  restart(session?: HostSession): Promise<Finding<undefined>>
  shutDown(session?: HostSession): Promise<Finding<undefined>>
}
