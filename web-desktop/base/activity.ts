// Whether somebody is at this page: for the log-out after idle minutes, what a page asks by itself counts for nothing.

/** Input older than this was somebody's who may have gone, in milliseconds. */
const attendedMs = 60_000

const inputs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

let lastInputMs = performance.now()

/** Begins to notice input, for as long as the page lives. */
export function watchInput(): void {
  const note = () => {
    lastInputMs = performance.now()
  }
  for (const type of inputs) addEventListener(type, note, { capture: true, passive: true })
}

/** True within a minute of the last input, and of the page's beginning. */
export function isAttended(): boolean {
  return performance.now() - lastInputMs < attendedMs
}

/** What every request says beside: nothing, or that the page makes it by itself while nobody is there. */
export function attendanceHeaders(): Record<string, string> {
  return isAttended() ? {} : { 'x-nightjar-unattended': '1' }
}
