// The times and limits of turning a camera. Without zod: the desktop needs them, and does without it.

/** How long a camera moves unless it is told to again, in milliseconds: what a viewer that vanishes may cost. */
export const ptzHoldMs = 1000

/** How often a viewer who keeps a direction pressed says so, in milliseconds. */
export const ptzRenewMs = 400

/** Characters of a preset's name, at most: what cameras commonly keep. */
export const ptzNameLength = 32
