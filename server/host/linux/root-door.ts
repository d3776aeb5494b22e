// Root's end of the Unix socket by which the server asks for what only root may do.
import { chmod, chown, lstat, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { Failure } from '../../../shared/failure.ts'
import type { LineLog } from '../../base/line-log.ts'
import { maxLineBytes, parseRootRequest, type RootAnswer } from './root-protocol.ts'
import type { RootVerbs } from './root-verbs.ts'

export interface RootDoorOptions {
  path: string
  /** The server's user: it alone may knock. */
  userId: number
  groupId: number
  verbs: RootVerbs
  logger: LineLog
}

/** A peer that says nothing for so long is let go, in milliseconds. */
const patienceMs = 5000
/** Who knocks while so many are inside waits outside. */
const maxPeers = 4

/**
 * Node cannot ask who is at the other end of a socket, so the kernel has to keep others out: the socket is the server's
 * user's, with mode 0600, in a folder that only root can change.
 */
export class RootDoor {
  readonly #options: RootDoorOptions
  readonly #server: Server
  /** One after the other: no two changes of the machine at once. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: RootDoorOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#onPeer(socket))
    this.#server.maxConnections = maxPeers
  }

  /** Fails `invalid` where somebody else could change the folder, or has put something other than a socket there. */
  async listen(): Promise<void> {
    const { path, userId, groupId } = this.#options
    const folder = await lstat(dirname(path))
    if (!folder.isDirectory() || folder.uid !== process.getuid?.() || (folder.mode & 0o022) !== 0) {
      throw new Failure('invalid', `open root door: ${dirname(path)} must be a folder only root may write to`)
    }
    const former = await lstat(path).catch(() => undefined)
    if (former !== undefined && !former.isSocket()) throw new Failure('invalid', `open root door: ${path} is no socket`)
    if (former !== undefined) await unlink(path)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
    // Made with the process's mask, which root-door-main.ts sets so that it is nobody's until here.
    await chmod(path, 0o600)
    await chown(path, userId, groupId)
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #onPeer(socket: Socket): void {
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(patienceMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0 && text.length <= maxLineBytes) return
      socket.removeAllListeners('data')
      socket.setTimeout(0)
      void this.#answer(end < 0 || end > maxLineBytes ? '' : text.slice(0, end)).then((answer) => {
        socket.end(`${JSON.stringify(answer)}\n`)
        socket.destroySoon()
      })
    })
  }

  async #answer(line: string): Promise<RootAnswer> {
    const request = parseRootRequest(line)
    if (request === undefined)
      return { isDone: false, reason: 'no such verb, or its arguments are not of the right form' }
    const answering = this.#last.then(() => this.#options.verbs.run(request))
    this.#last = answering
    const answer = await answering
    const { logger } = this.#options
    if (answer.isDone) logger.info(`${request.verb}: done`)
    else logger.warn(`${request.verb}: ${answer.reason}`)
    return answer
  }
}
