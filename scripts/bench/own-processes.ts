// Processes that a bench started: however it ends, they end with it.
import type { ChildProcess } from 'node:child_process'

const pids = new Set<number>()

/** Kills the process when this one ends. Returns what forgets it again: call that once it has ended by itself. */
export function killAtExit(pid: number): () => void {
  pids.add(pid)
  return () => pids.delete(pid)
}

/** The same for a child, which is forgotten when it has ended. */
export function ownChild(child: ChildProcess): ChildProcess {
  if (child.pid !== undefined) child.once('exit', killAtExit(child.pid))
  return child
}

process.on('exit', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended just now.
    }
  }
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
