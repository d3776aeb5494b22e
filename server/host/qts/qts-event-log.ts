// QTS's system event log.
import { hostname } from 'node:os'
import { type EventLogPart, eventText, type HostEvent } from '../event-log.ts'
import { type Finding, found } from '../finding.ts'
import type { ToolRunner } from '../tool-runner.ts'

const types: Record<HostEvent['level'], string> = { info: '0', warn: '1', error: '2' }

/**
 * Writes by `log_tool`. The Notification Center's own `notify` takes messages of applications QNAP has registered only; its
 * rules can watch the event log.
 */
export class QtsEventLog implements EventLogPart {
  readonly #tools: ToolRunner

  constructor(tools: ToolRunner) {
    this.#tools = tools
  }

  async write({ level, text, user, clientAddress }: HostEvent): Promise<Finding<undefined>> {
    const answer = await this.#tools.text('/sbin/log_tool', [
      ...['-t', types[level], '-u', field(user, 'System'), '-p', field(clientAddress, '127.0.0.1')],
      ...['-m', hostname(), '-a', `[Nightjar] ${eventText(text)}`],
    ])
    return answer.isFound ? found(undefined) : answer
  }
}

/** Never empty, and never read as an option. */
function field(text: string | undefined, byDefault: string): string {
  return (
    (text ?? '')
      .replace(/[\x00-\x1f\x7f]/g, '')
      .replace(/^-+/, '')
      .slice(0, 64) || byDefault
  )
}
