// What the check of a package found: a table of its parts, and what is wrong.
import type { ReadMember } from './tar-reader.ts'

export interface ReportRow {
  part: string
  /** Offset in the file, in bytes; undefined for what is packed within a part. */
  atByte: number | undefined
  sizeBytes: number
  note: string
}

export interface Finding {
  /** `header control data extra signature trailer`. */
  part: string
  /** What is wrong, with the bytes and limits at fault. */
  text: string
}

export class CheckReport {
  readonly path: string
  readonly fileBytes: number
  readonly rows: ReportRow[] = []
  readonly findings: Finding[] = []
  readonly notes: Finding[] = []

  constructor(path: string, fileBytes: number) {
    this.path = path
    this.fileBytes = fileBytes
  }

  row(part: string, atByte: number | undefined, sizeBytes: number, note: string): void {
    this.rows.push({ part, atByte, sizeBytes, note })
  }

  memberRow(part: string, member: ReadMember): void {
    const mode = (member.mode & 0o7777).toString(8).padStart(4, '0')
    const target = member.target === '' ? '' : ` → ${member.target}`
    this.row(`  ${part}`, undefined, member.sizeBytes, `${mode} ${member.kind.padEnd(6)} ${member.name}${target}`)
  }

  found(part: string, text: string): void {
    this.findings.push({ part, text })
  }

  note(part: string, text: string): void {
    this.notes.push({ part, text })
  }

  /** The table and the findings, a line each, for a terminal. */
  toText(): string {
    const cells = this.rows.map(({ part, atByte, sizeBytes, note }) =>
      `${part.padEnd(12)}${String(atByte ?? '').padStart(12)}${String(sizeBytes).padStart(12)}  ${note}`.trimEnd(),
    )
    return [
      `${this.path}: ${this.fileBytes} bytes`,
      `${'part'.padEnd(12)}${'at byte'.padStart(12)}${'bytes'.padStart(12)}`,
      ...cells,
      ...this.notes.map(({ part, text }) => `${part}: ${text}`),
      ...this.findings.map(({ part, text }) => `WRONG ${part}: ${text}`),
      this.findings.length === 0 ? 'nothing is wrong with it' : `${this.findings.length} found`,
      '',
    ].join('\n')
  }
}
