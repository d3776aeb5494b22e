// The machine's time zone, and whether its clock is kept right.
import { Failure } from '../../shared/failure.ts'
import type { Finding } from './finding.ts'

export interface WallClockState {
  /** A name of the time zone database, such as `Asia/Taipei`. */
  timeZone: Finding<string>
  /** Whether the clock follows a source that it has reached. */
  isSynchronised: Finding<boolean>
}

export interface WallClockPart {
  get(): Promise<WallClockState>
  /** Fails `invalid` for what is no name of the time zone database. */
  setTimeZone(zone: string): Promise<Finding<undefined>>
}

/** Fails `invalid` for what cannot name a time zone. Whether the machine knows it is for the machine to say. */
export function checkTimeZone(zone: string): void {
  if (!isTimeZoneName(zone)) {
    throw new Failure('invalid', 'timeZone: must be a name such as Europe/Berlin, of 64 characters or fewer', {
      field: 'timeZone',
    })
  }
}

/** True for a name that is also safe as a path below the database's folder. */
export function isTimeZoneName(zone: string): boolean {
  return zone.length <= 64 && /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(zone)
}
