// What an actor may be allowed to do. Administrators have them all; grants and roles build on these names.

export const privileges = [
  /** See live pictures and the state of cameras. */
  'live.view',
  /** Turn a camera, and use, save and remove its presets. */
  'camera.ptz',
  /** See recordings, the timeline and gaps, and download them. */
  'playback.view',
  /** Add, change, test and remove cameras and recording spaces. */
  'surveillance.manage',
  /** See how the server is. */
  'system.view',
  /** Change the server itself: its first start, its name, time, ports and certificate, and who may connect. */
  'system.manage',
  /** Read the durable log. */
  'log.view',
  /** Add, change and remove accounts, and end their sessions. */
  'account.manage',
  /** Change one's own account. */
  'account.self',
] as const
export type Privilege = (typeof privileges)[number]

/** What everybody with an account may do, until grants tell more exactly. */
export const everyonesPrivileges: readonly Privilege[] = ['live.view', 'playback.view', 'system.view', 'account.self']
