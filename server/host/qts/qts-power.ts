// Restarting and shutting down a NAS.
import { type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import type { PowerPart } from '../power.ts'
import type { ToolRunner } from '../tool-runner.ts'
import type { QtsHttp } from './qts-http.ts'

/** With an administrator's session QTS itself is asked, which writes to its log whose wish it was; else its programs. */
export class QtsPower implements PowerPart {
  readonly #tools: ToolRunner
  readonly #http: QtsHttp

  constructor(tools: ToolRunner, http: QtsHttp) {
    this.#tools = tools
    this.#http = http
  }

  /** QTS's programs are root's; a session of somebody who is no administrator of the NAS is refused by QTS itself. */
  async check(session?: HostSession): Promise<Finding<undefined>> {
    if (session !== undefined) {
      return session.isAdministrator ? found(undefined) : lack('denied', 'power: only an administrator of the NAS may')
    }
    const program = await this.#tools.find('/sbin/reboot')
    return program === undefined ? lack('not-available', 'power: there is no /sbin/reboot here') : found(undefined)
  }

  restart(session?: HostSession): Promise<Finding<undefined>> {
    return this.#apply('restart', '/sbin/reboot', session)
  }

  shutDown(session?: HostSession): Promise<Finding<undefined>> {
    return this.#apply('shutdown', '/sbin/poweroff', session)
  }

  async #apply(apply: string, program: string, session: HostSession | undefined): Promise<Finding<undefined>> {
    const answer =
      session === undefined
        ? await this.#tools.text(program, [])
        : await this.#http.postAs(session, '/cgi-bin/sys/sysRequest.cgi', { subfunc: 'power_mgmt', apply })
    return answer.isFound ? found(undefined) : answer
  }
}
