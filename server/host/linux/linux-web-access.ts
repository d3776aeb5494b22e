// A Linux machine has no web server of its own that people know it by.
import { lack } from '../finding.ts'
import type { WebAccess, WebAccessPart } from '../web-access.ts'

export class LinuxWebAccess implements WebAccessPart {
  async get(): Promise<WebAccess> {
    const none = lack('not-available', 'this machine has no web server of its own')
    return { httpPort: none, httpsPort: none, certificatePath: none }
  }
}
