// Where the machine's own web server is, whose address and certificate people know.
import type { Finding } from './finding.ts'

export interface WebAccess {
  httpPort: Finding<number>
  httpsPort: Finding<number>
  /** A PEM file with certificate and private key, which only root may read. */
  certificatePath: Finding<string>
}

export interface WebAccessPart {
  get(): Promise<WebAccess>
}
