// What an actor may be allowed to do. One administrator has them all; grants and roles build on these names.

export const privileges = [
  /** See live pictures and the state of cameras. */
  'live.view',
  /** See recordings, the timeline and gaps, and download them. */
  'playback.view',
  /** Add, change, test and remove cameras and recording spaces. */
  'surveillance.manage',
  /** See how the server is. */
  'system.view',
  /** Change the server itself: its name, ports and certificate, and who may connect. */
  'system.manage',
  /** Read the durable log. */
  'log.view',
  /** Change one's own account. */
  'account.self',
] as const
export type Privilege = (typeof privileges)[number]
