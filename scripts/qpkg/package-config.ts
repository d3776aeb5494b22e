// qpkg.cfg: what a package says of itself. Shells read it in as a script, so only plain assignments are let through.
import { Failure } from '../../shared/failure.ts'
import { mostNameBytes, mostVersionBytes } from './trailer.ts'

export type PackageConfig = Readonly<Record<string, string>>

interface FieldRule {
  /** What the value must look like. */
  form: RegExp
  /** The same in words, with its limits. */
  limit: string
}

const text = { form: /^[^"$`\\]{1,200}$/, limit: '1 to 200 characters, none of them " $ ` or \\' }
const path = { form: /^\/[A-Za-z0-9._~/-]{0,99}$/, limit: 'a path that begins with /, 100 characters at most' }
const program = {
  form: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  limit: 'the name of a file in shared/, 64 characters at most',
}
const firmware = { form: /^\d{1,3}\.\d{1,3}\.\d{1,3}$/, limit: 'MAJOR.MINOR.BUILD in digits' }
const oneOf = (values: string[]): FieldRule => ({
  form: new RegExp(`^(${values.join('|')})$`),
  limit: `one of ${values.join(', ')}`,
})

/** What our installer carries out. A field it would pass over in silence is refused. */
const rules: Record<string, FieldRule> = {
  QPKG_NAME: {
    form: new RegExp(`^[A-Za-z][A-Za-z0-9._-]{0,${mostNameBytes - 1}}$`),
    limit: `a letter, then letters, digits, . _ or -, ${mostNameBytes} characters at most`,
  },
  QPKG_VER: {
    form: new RegExp(`^\\d[A-Za-z0-9.-]{0,${mostVersionBytes - 1}}$`),
    limit: `a digit, then letters, digits, . or -, ${mostVersionBytes} characters at most`,
  },
  QPKG_AUTHOR: text,
  QPKG_DISPLAY_NAME: text,
  QPKG_LICENSE: text,
  QPKG_SUMMARY: text,
  QPKG_RC_NUM: { form: /^\d{3}$/, limit: 'three digits' },
  QPKG_SERVICE_PROGRAM: program,
  QPKG_SERVICE_PORT: { form: /^\d{1,5}$/, limit: 'a port, in digits' },
  QPKG_SERVICE_PIDFILE: path,
  QPKG_WEBUI: path,
  QPKG_WEB_PORT: { form: /^(-[12]|\d{1,5})$/, limit: 'a port in digits, -1 or -2' },
  QPKG_WEB_SSL_PORT: { form: /^(-[12]|\d{1,5})$/, limit: 'a port in digits, -1 or -2' },
  QPKG_USE_PROXY: oneOf(['0', '1']),
  QPKG_PROXY_PATH: path,
  QPKG_DESKTOP_APP: oneOf(['0', '1', '2']),
  QPKG_DESKTOP_APP_WIN_WIDTH: { form: /^([1-9]\d{0,2}|1(0\d\d|1[0-6]\d|17[0-8]))$/, limit: '1 to 1178 pixels' },
  QPKG_DESKTOP_APP_WIN_HEIGHT: { form: /^([1-9]\d?|[1-5]\d\d|600)$/, limit: '1 to 600 pixels' },
  QTS_MINI_VERSION: firmware,
  QTS_MAX_VERSION: firmware,
  QPKG_VOLUME_SELECT: oneOf(['0', '1', '2', '3', '4']),
  QPKG_TIMEOUT: { form: /^\d{1,4},\d{1,4}$/, limit: 'seconds to start, a comma, seconds to stop' },
  QPKG_VISIBLE: oneOf(['0', '1', '2']),
  QPKG_FORCE_VISIBLE: oneOf(['1', '2', '3']),
  QPKG_DISTRIBUTION_TYPE: oneOf(['0', '1']),
  QPKG_MOUNT_ACTION: program,
  QPKG_UNMOUNT_ACTION: program,
  QPKG_ACTION_TIMEOUT: { form: /^\d{1,4}$/, limit: 'seconds, in digits' },
}

export const mandatoryFields = ['QPKG_NAME', 'QPKG_VER', 'QPKG_AUTHOR']

/** The assignments of a qpkg.cfg, and the lines that are none: a foreign package may compute its values. */
export function parsePackageConfig(source: string): { fields: PackageConfig; oddLines: number[] } {
  const fields: Record<string, string> = {}
  const oddLines: number[] = []
  for (const [at, line] of source.split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const match = /^([A-Z][A-Z0-9_]*)=(?:"([^"$`\\]*)"|'([^']*)'|([A-Za-z0-9._,/:+-]*))\s*(?:#.*)?$/.exec(line)
    if (match === null) oddLines.push(at + 1)
    else fields[match[1]!] = match[2] ?? match[3] ?? match[4] ?? ''
  }
  return { fields, oddLines }
}

/**
 * The config of a package of ours.
 *
 * Fails `invalid` with the field and its limit: one that is missing, unknown, carried out by nobody, or ill-formed.
 */
export function readPackageConfig(source: string): PackageConfig {
  if (source.includes('\r')) throw invalid('qpkg.cfg', 'its lines end in CR LF: a shell would take the CR for text')
  const { fields, oddLines } = parsePackageConfig(source)
  if (oddLines.length > 0) throw invalid('qpkg.cfg', `line ${oddLines[0]} is no plain KEY="value"`)
  for (const field of mandatoryFields) if (!fields[field]) throw invalid(field, 'is missing from qpkg.cfg')
  for (const [field, value] of Object.entries(fields)) {
    const rule = rules[field]
    if (rule === undefined) throw invalid(field, 'is no field that our installer carries out')
    if (!rule.form.test(value)) throw invalid(field, `${JSON.stringify(value)} is not ${rule.limit}`)
  }
  for (const field of ['QPKG_SERVICE_PORT', 'QPKG_WEB_PORT', 'QPKG_WEB_SSL_PORT']) {
    if (Number(fields[field] ?? 1) > 65_535) throw invalid(field, `${fields[field]} is not a port, 65535 at most`)
  }
  return Object.freeze(fields)
}

function invalid(field: string, finding: string): Failure {
  return new Failure('invalid', `${field}: ${finding}`, { field })
}
