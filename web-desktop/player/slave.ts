/** Off by less than this, a playing element is left alone; by more than the second, it is sought. In seconds at 1×. */
const nearSec = 0.025
const farSec = 0.35
const mostRate = 16

/** The rate that brings an element `offSec` ahead of the clock back to it, within 5 %. */
export function correctedRate(rate: number, offSec: number): number {
  if (Math.abs(offSec) < nearSec * Math.max(1, rate)) return rate
  const correction = Math.max(-0.05, Math.min(0.05, (-offSec / Math.max(1, rate)) * 0.5))
  return Math.min(mostRate, rate * (1 + correction))
}

/** Keeps a media element with a clock that shows `wantSec`: plays or pauses it, bends its rate, seeks where it is far. */
export function slave(media: HTMLMediaElement, wantSec: number, rate: number, isRunning: boolean): void {
  if (!isRunning) {
    if (!media.paused) media.pause()
    return
  }
  const offSec = media.currentTime - wantSec
  if (Math.abs(offSec) > farSec * Math.max(1, rate) && !media.seeking) media.currentTime = wantSec
  const next = correctedRate(rate, offSec)
  if (Math.abs(media.playbackRate - next) > 0.001) media.playbackRate = next
  if (media.paused) void media.play().catch(() => undefined)
}
