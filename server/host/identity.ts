// What machine this is.
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'

export interface Identity {
  /** The name people gave it. */
  name: Finding<string>
  /** What is printed on it, such as `TS-453D`. */
  model: Finding<string>
  /** Its system and that system's version, such as `QTS 5.1.0 (20230926)` or `Debian GNU/Linux 12 (bookworm)`. */
  system: Finding<string>
  /** The maker's number of this one piece. */
  serial: Finding<string>
  /** Stays the same for as long as the machine is itself: systemd's machine id, or the first network card's address. */
  machineId: Finding<string>
  /** As Node names it: `x64`, `arm64`. */
  architecture: string
  /** The maker's name of the board, such as `X86_APOLLOLAKE`. */
  platform: Finding<string>
}

export interface IdentityPart {
  /** `session`, of an administrator, is needed for some fields on some machines. */
  get(session?: HostSession): Promise<Identity>
}
