// What processes cost: CPU time and memory, as the kernel counts them.
import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process's threads, nanoseconds by thread number. Empty where the process has ended. */
function threadTimes(pid: number): Map<string, number> {
  const times = new Map<string, number>()
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
        times.set(thread, Number(text.slice(0, text.indexOf(' '))))
      } catch {
        // The thread has ended since it was listed.
      }
    }
  } catch {
    // The process has ended.
  }
  return times
}

function residentBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** The processes below `pid`, itself among them. */
export function processTree(pid: number): number[] {
  const tree = [pid]
  for (let i = 0; i < tree.length; i++) {
    const parent = tree[i]!
    let threads: string[] = []
    try {
      threads = readdirSync(`/proc/${parent}/task`)
    } catch {
      continue
    }
    for (const thread of threads) {
      try {
        const text = readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').trim()
        if (text !== '') tree.push(...text.split(' ').map(Number))
      } catch {
        // The thread has ended since it was listed.
      }
    }
  }
  return tree
}

/**
 * Measures processes from its making on: all their threads (`/proc/PID/task/N/schedstat`, exact to the nanosecond). The
 * last moments of a thread that ends meanwhile are not seen, so what is measured should be long-lived.
 */
export class ProcessMeter {
  readonly #pids: readonly number[]
  readonly #began: Map<string, number>[]
  readonly #beganMs = performance.now()
  readonly #sampling: NodeJS.Timeout
  #peakBytes = 0

  constructor(pids: readonly number[]) {
    this.#pids = pids
    this.#began = pids.map(threadTimes)
    this.#sampling = setInterval(() => this.#sampleMemory(), 1000)
  }

  #sampleMemory(): void {
    const bytes = this.#pids.reduce((sum, pid) => sum + residentBytes(pid), 0)
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
  }

  /** Ends measuring: CPU milliseconds, seconds passed, and the largest sum of RSS seen, in bytes. */
  end(): { cpuMs: number; seconds: number; rssBytes: number } {
    clearInterval(this.#sampling)
    this.#sampleMemory()
    let nanoseconds = 0
    for (const [i, pid] of this.#pids.entries()) {
      for (const [thread, time] of threadTimes(pid)) nanoseconds += time - (this.#began[i]!.get(thread) ?? 0)
    }
    const seconds = (performance.now() - this.#beganMs) / 1000
    return { cpuMs: nanoseconds / 1e6, seconds, rssBytes: this.#peakBytes }
  }
}
