// The system log of a Linux machine.
import { type EventLogPart, eventText, type HostEvent } from '../event-log.ts'
import { type Finding, found } from '../finding.ts'
import type { ToolRunner } from '../tool-runner.ts'

const priorities: Record<HostEvent['level'], string> = { info: 'info', warn: 'warning', error: 'err' }

export class LinuxEventLog implements EventLogPart {
  readonly #tools: ToolRunner

  constructor(tools: ToolRunner) {
    this.#tools = tools
  }

  async write({ level, text, user, clientAddress }: HostEvent): Promise<Finding<undefined>> {
    const whose = [user, clientAddress].filter((part) => part !== undefined).join(' from ')
    const line = eventText(whose === '' ? text : `${text} (${whose})`)
    const answer = await this.#tools.text('logger', ['-t', 'nightjar', '-p', `daemon.${priorities[level]}`, '--', line])
    return answer.isFound ? found(undefined) : answer
  }
}
