// Asks the root door. Without one, what needs root is not available here.
import { lstat } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { asFinding, type Finding, found, type Lack, lack } from '../finding.ts'
import { maxLineBytes, parseRootAnswer, type RootRequest } from './root-protocol.ts'

/** Milliseconds: systemd may take its time over a restart. */
const limitMs = 15_000

export class RootClient {
  readonly #path: string
  /** Whose door it has to be: root's, but in tests. */
  readonly #ownerId: number

  constructor(path: string, ownerId = 0) {
    this.#path = path
    this.#ownerId = ownerId
  }

  ask(request: RootRequest): Promise<Finding<undefined>> {
    const attempt = request.verb.replaceAll('-', ' ')
    return asFinding(attempt, limitMs, async () => {
      const doubt = await this.#doubt(attempt)
      if (doubt !== undefined) return doubt
      const line = await exchange(this.#path, `${JSON.stringify(request)}\n`)
      const answer = parseRootAnswer(line)
      if (answer === undefined) return lack('failed', `${attempt}: the root door answers what cannot be read`)
      return answer.isDone ? found(undefined) : lack('refused', `${attempt}: ${answer.reason}`)
    })
  }

  /** Whether there is a door that is root's; `attempt` is said where there is none. */
  check(attempt: string): Promise<Finding<undefined>> {
    return asFinding(attempt, limitMs, async () => (await this.#doubt(attempt)) ?? found(undefined))
  }

  /** A socket that somebody else could have put there is not asked. */
  async #doubt(attempt: string): Promise<Lack | undefined> {
    const folder = await lstat(dirname(this.#path)).catch(() => undefined)
    const socket = await lstat(this.#path).catch(() => undefined)
    if (folder === undefined || socket === undefined) {
      return lack('not-available', `${attempt}: not available here, for the root door (${this.#path}) is not set up`)
    }
    const isRight = socket.isSocket() && folder.uid === this.#ownerId && (folder.mode & 0o022) === 0
    return isRight ? undefined : lack('denied', `${attempt}: ${this.#path} may not be root's, so it is not asked`)
  }
}

function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(limitMs, () => socket.destroy(new Error(`no answer within ${limitMs} ms`)))
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > maxLineBytes) socket.destroy(new Error(`more than ${maxLineBytes} bytes came`))
    })
    socket.on('close', () => resolve(text))
    socket.write(line)
  })
}
