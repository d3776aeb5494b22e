// The machine's own programs, each run without a shell, for a bounded time, with bounded output.
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { asFinding, type Finding, found, lack } from './finding.ts'

export interface ToolAnswer {
  /** What it ended with; other than 0 is for the caller to judge, for some tools say "none" that way. */
  exitCode: number
  output: string
  /** The first line of its complaints, 200 characters at most. */
  complaint: string
}

export interface ToolRunnerOptions {
  /** Where the machine's file tree is: `/`, but for a simulated machine. */
  root: string
  /** Milliseconds a tool may run; default 5000. */
  timeoutMs?: number
  /** Bytes a tool may print; default 1 MiB. */
  maxOutputBytes?: number
}

const toolFolders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin']

/** Secrets never go on a command line, where every process of the machine can read them: none is ever given here. */
export class ToolRunner {
  readonly #root: string
  readonly #timeoutMs: number
  readonly #maxOutputBytes: number

  constructor({ root, timeoutMs = 5000, maxOutputBytes = 1024 * 1024 }: ToolRunnerOptions) {
    this.#root = root
    this.#timeoutMs = timeoutMs
    this.#maxOutputBytes = maxOutputBytes
  }

  /** The path of a program: `tool` itself where it has a slash, else the first of that name in the system's folders. */
  async find(tool: string): Promise<string | undefined> {
    const places = tool.includes('/') ? [tool] : toolFolders.map((folder) => `${folder}/${tool}`)
    for (const place of places) {
      const path = join(this.#root, place)
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isThere) return path
    }
    return undefined
  }

  /** Runs it. Not available where there is no such program; failed where it was late, talked too much or was killed. */
  run(tool: string, args: string[]): Promise<Finding<ToolAnswer>> {
    // A child that waits for a hung disk cannot be killed: then the outer limit ends the waiting.
    return asFinding(`run ${tool}`, this.#timeoutMs + 500, async () => {
      const path = await this.find(tool)
      if (path === undefined) return lack('not-available', `run ${tool}: there is no such program here`)
      return this.#execute(tool, path, args)
    })
  }

  /** The same, where only status 0 is an answer: what it printed, without white space around it. */
  async text(tool: string, args: string[]): Promise<Finding<string>> {
    const answer = await this.run(tool, args)
    if (!answer.isFound) return answer
    const { exitCode, output, complaint } = answer.value
    if (exitCode !== 0) return lack('failed', `run ${tool}: status ${exitCode} ${complaint}`.trim())
    return found(output.trim())
  }

  #execute(tool: string, path: string, args: string[]): Promise<Finding<ToolAnswer>> {
    const options = {
      timeout: this.#timeoutMs,
      maxBuffer: this.#maxOutputBytes,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
      cwd: '/',
      // Our own environment holds secrets, and libraries of ours that the machine's programs must not load.
      env: { PATH: toolFolders.join(':'), LC_ALL: 'C', HOME: '/' },
    } as const
    return new Promise((resolve) => {
      const child = execFile(path, args, options, (error, output, complaints) => {
        const complaint = (complaints.split('\n')[0] ?? '').slice(0, 200)
        if (error === null) resolve(found({ exitCode: 0, output, complaint }))
        else if (typeof error.code === 'number') resolve(found({ exitCode: error.code, output, complaint }))
        else resolve(lack('failed', `run ${tool}: ${this.#finding(error)}`))
      })
      child.stdin?.on('error', () => {})
      child.stdin?.end()
    })
  }

  /** The error's own message would repeat the arguments. */
  #finding(error: { code?: unknown; killed?: boolean | undefined; signal?: unknown }): string {
    if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `it printed more than ${this.#maxOutputBytes} bytes`
    if (error.killed === true) return `no answer within ${this.#timeoutMs} ms`
    return `it ended by ${String(error.signal ?? error.code)}`
  }
}
