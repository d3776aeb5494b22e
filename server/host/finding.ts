// What came of asking the machine: an answer, or the reason there is none. A machine that answers oddly throws nothing.
import { Failure } from '../../shared/failure.ts'

/**
 * Why there is no answer. `not-available`: this machine has no such thing, and asking again is no use. `denied`: somebody
 * with more rights must ask. `refused`: the machine said no, such as for a name that is taken. `failed`: it was slow, fell
 * silent, or said what cannot be read.
 */
export type LackKind = 'not-available' | 'denied' | 'refused' | 'failed'

export interface Lack {
  isFound: false
  kind: LackKind
  /** For people: the attempt, the thing, the finding. Never a secret. */
  reason: string
}

export interface Found<T> {
  isFound: true
  value: T
}

export type Finding<T> = Found<T> | Lack

export function found<T>(value: T): Found<T> {
  return { isFound: true, value }
}

export function lack(kind: LackKind, reason: string): Lack {
  return { isFound: false, kind, reason }
}

/** The value, or undefined where there is none: for what is shown as "unknown" whatever the reason. */
export function knownValue<T>(finding: Finding<T>): T | undefined {
  return finding.isFound ? finding.value : undefined
}

/**
 * Runs `task` for `limitMs` milliseconds at most. What it throws, and being late, become a lack that begins with `attempt`.
 *
 * A `Failure('invalid')` is the caller's own mistake and is thrown on. A task that is late is not stopped, for a call to a
 * hung disk cannot be: only nobody waits for it any more.
 */
export async function asFinding<T>(
  attempt: string,
  limitMs: number,
  task: () => Promise<Finding<T>>,
): Promise<Finding<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding<T>>((resolve) => {
    timer = setTimeout(() => resolve(lack('failed', `${attempt}: no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([task(), late])
  } catch (error) {
    if (error instanceof Failure && error.kind === 'invalid') throw error
    const { code } = error as NodeJS.ErrnoException
    const isDenied = code === 'EACCES' || code === 'EPERM'
    return lack(isDenied ? 'denied' : 'failed', `${attempt}: ${(error as Error).message}`)
  } finally {
    clearTimeout(timer)
  }
}
