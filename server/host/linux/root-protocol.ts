// All that the server may ask of root on Linux: one request a connection, a line of JSON each way.

/** A fixed list; nothing here names a program or a file of the asker's choice. */
export type RootRequest =
  | { verb: 'restart' }
  | { verb: 'shutdown' }
  | { verb: 'set-time-zone'; zone: string }
  /** Makes a recording space's folder on a volume that only root may write to, and gives it to the server. */
  | { verb: 'make-space-folder'; path: string }

export interface RootAnswer {
  isDone: boolean
  /** Why not; empty where it is done. */
  reason: string
}

/** Longest request and answer, in bytes. */
export const maxLineBytes = 4096

/** Where the door is, as the service that keeps it makes it. */
export const rootDoorPath = '/run/nightjar/root.sock'

/** A request, its arguments of the right form; undefined for anything else. Arguments are checked again by what uses them. */
export function parseRootRequest(line: string): RootRequest | undefined {
  const request = parseObject(line)
  switch (request?.['verb']) {
    case 'restart':
    case 'shutdown':
      return { verb: request['verb'] }
    case 'set-time-zone':
      return typeof request['zone'] === 'string' ? { verb: 'set-time-zone', zone: request['zone'] } : undefined
    case 'make-space-folder':
      return typeof request['path'] === 'string' ? { verb: 'make-space-folder', path: request['path'] } : undefined
    default:
      return undefined
  }
}

export function parseRootAnswer(line: string): RootAnswer | undefined {
  const answer = parseObject(line)
  if (typeof answer?.['isDone'] !== 'boolean' || typeof answer['reason'] !== 'string') return undefined
  return { isDone: answer['isDone'], reason: answer['reason'] }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
