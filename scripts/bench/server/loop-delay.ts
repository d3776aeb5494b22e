// How late a process's own thread is: asked for and told over the channel to the process that started it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoopDelayOrder {
  /** Length of the window of measuring. */
  seconds: number
}

/** What a timer of a millisecond waited beyond it, in milliseconds, over all its turns in the window. */
export interface LoopDelay {
  medianMs: number
  p99Ms: number
  maxMs: number
  /** Turns of the timer: a turn that is late stands for all that would have fallen into it. */
  turns: number
}

const timerMs = 1

export async function measureLoopDelay(seconds: number): Promise<LoopDelay> {
  const histogram = monitorEventLoopDelay({ resolution: timerMs })
  histogram.enable()
  await sleep(seconds * 1000)
  histogram.disable()
  // The histogram holds the time from one turn to the next, the timer's own millisecond with it.
  const beyondMs = (ns: number) => Math.max(0, ns / 1e6 - timerMs)
  return {
    medianMs: beyondMs(histogram.percentile(50)),
    p99Ms: beyondMs(histogram.percentile(99)),
    maxMs: beyondMs(histogram.max),
    turns: histogram.count,
  }
}
