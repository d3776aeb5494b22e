// Takes a .qpkg apart and says what is in it, and exactly what is wrong with it.
import { createHash } from 'node:crypto'
import { checkControl } from './check-control.ts'
import { checkData } from './check-data.ts'
import { CheckReport } from './check-report.ts'
import { checkTrailer } from './check-trailer.ts'
import { ddBlockBytes, type HeaderFacts, headerFinding, parseHeader } from './header.ts'
import { PackageFile } from './package-file.ts'
import { parseSignatureArea, signsDigest } from './signature-area.ts'
import { readTar } from './tar-reader.ts'
import { trailerBytes } from './trailer.ts'

/** Longer than any header, shorter than memory. */
const mostHeaderBytes = 256 * 1024
/** GNU tar's record; the control part is a plain tar of whole ones. */
const recordBytes = 10_240

/** Dissects the package. What is wrong with it are findings; fails only where the file cannot be read at all. */
export async function check(path: string): Promise<CheckReport> {
  const file = await PackageFile.open(path)
  const report = new CheckReport(path, file.sizeBytes)
  try {
    await dissect(file, report)
  } finally {
    await file.close()
  }
  return report
}

async function dissect(file: PackageFile, report: CheckReport): Promise<void> {
  const trailer = await checkTrailer(file, report)
  const start = await file.read(0, Math.min(mostHeaderBytes, file.sizeBytes))
  if (start.toString('latin1', 0, 9) !== '#!/bin/sh') {
    report.found('header', 'the file does not begin with #!/bin/sh: this is no package, or its beginning is lost')
    return
  }
  const facts = parseHeader(headerText(start))
  const { scriptBytes, controlBytes, dataBytes } = facts
  for (const [name, value] of Object.entries({
    'script_len=N': scriptBytes,
    'the step of $script_len + N': controlBytes,
    'the step of $offset + N': dataBytes,
  })) {
    if (value === undefined) report.found('header', `the script has no line with ${name}`)
  }
  if (scriptBytes === undefined || controlBytes === undefined || dataBytes === undefined) return
  if (scriptBytes > mostHeaderBytes) {
    report.found('header', `script_len is ${scriptBytes}, no script is over ${mostHeaderBytes} bytes long`)
    return
  }
  const contentEnd = scriptBytes + controlBytes + dataBytes + (facts.extraBytes ?? 0)
  report.row('header', 0, scriptBytes, 'shell script')
  if (contentEnd + trailerBytes > file.sizeBytes) reportShort(file, report, facts, contentEnd)
  await checkHeader(file, report, facts)
  const config = await checkControl(file, report, scriptBytes, controlBytes)
  if (facts.controlMd5 !== undefined)
    await checkSum(file, report, 'control', scriptBytes, controlBytes, facts.controlMd5)
  const dataAt = scriptBytes + controlBytes
  await checkData(file, report, dataAt, dataBytes, facts.dataName, config)
  if (facts.dataMd5 !== undefined) await checkSum(file, report, 'data', dataAt, dataBytes, facts.dataMd5)
  if (facts.extraBytes !== undefined) await checkExtra(file, report, dataAt + dataBytes, facts.extraBytes)
  await checkSignature(file, report, contentEnd)
  report.row('trailer', file.sizeBytes - trailerBytes, trailerBytes, '')
  if (config === undefined || trailer === undefined) return
  for (const [key, told] of [
    ['QPKG_NAME', trailer.name.trimEnd()],
    ['QPKG_VER', trailer.version.trimEnd()],
  ] as const) {
    const most = key === 'QPKG_NAME' ? 20 : 10
    const configured = config[key]
    if (configured !== undefined && configured.slice(0, most) !== told) {
      report.found('trailer', `it says ${JSON.stringify(told)} where ${key} is ${JSON.stringify(configured)}`)
    }
  }
}

/** The script alone: what follows it may hold anything, lines like its own too. */
function headerText(start: Buffer): string {
  const text = start.toString('latin1')
  const lengthBytes = Number(/^\s*script_len=(\d{1,9})\b/m.exec(text)?.[1] ?? 0)
  return text.slice(0, lengthBytes)
}

function reportShort(file: PackageFile, report: CheckReport, facts: HeaderFacts, contentEnd: number): void {
  const parts = [
    ['header', facts.scriptBytes!],
    ['control', facts.controlBytes!],
    ['data', facts.dataBytes!],
    ['extra', facts.extraBytes ?? 0],
    ['trailer', trailerBytes],
  ] as const
  let end = 0
  for (const [name, sizeBytes] of parts) {
    end += sizeBytes
    if (file.sizeBytes >= end) continue
    const missing = contentEnd + trailerBytes - file.sizeBytes
    report.found(name, `the file ends within it, at byte ${file.sizeBytes}: ${missing} bytes are missing in all`)
    return
  }
}

async function checkHeader(file: PackageFile, report: CheckReport, facts: HeaderFacts): Promise<void> {
  const { scriptBytes, controlBytes, dataBytes, dataBlocks, dataName } = facts
  const finding = headerFinding(await file.read(0, scriptBytes!))
  if (finding !== undefined) report.found('header', finding)
  if (controlBytes! % recordBytes !== 0) {
    report.found('header', `the control part has ${controlBytes} bytes, no multiple of ${recordBytes}`)
  }
  if (dataName === undefined) {
    report.found('header', 'the script has no dd that copies the data part')
  } else if (dataBlocks !== Math.ceil(dataBytes! / ddBlockBytes)) {
    report.found(
      'header',
      `its dd copies ${dataBlocks} blocks of ${ddBlockBytes} bytes, the data part has ${dataBytes} bytes`,
    )
  }
}

async function checkSum(
  file: PackageFile,
  report: CheckReport,
  part: string,
  atByte: number,
  sizeBytes: number,
  told: string,
): Promise<void> {
  const hash = createHash('md5')
  for await (const chunk of file.chunks(atByte, sizeBytes)) hash.update(chunk)
  const sum = hash.digest('hex')
  if (sum !== told) report.found(part, `its MD5 is ${sum}, the header says ${told}`)
  else report.note(part, `MD5 ${sum}, as the header says`)
}

async function checkExtra(file: PackageFile, report: CheckReport, atByte: number, sizeBytes: number): Promise<void> {
  report.row('extra', atByte, sizeBytes, 'extra.tar')
  try {
    for await (const member of readTar(file.chunks(atByte, sizeBytes), { wants: () => false })) {
      report.memberRow('extra', member)
    }
  } catch (error) {
    report.found('extra', (error as Error).message)
  }
}

async function checkSignature(file: PackageFile, report: CheckReport, contentEnd: number): Promise<void> {
  const sizeBytes = file.sizeBytes - trailerBytes - contentEnd
  if (sizeBytes <= 0) return
  const { records, finding } = parseSignatureArea(await file.read(contentEnd, sizeBytes))
  if (finding !== undefined) {
    report.found(
      'signature',
      `${sizeBytes} bytes stand between the content’s end and the trailer; what is there ${finding}`,
    )
  }
  if (records.length === 0) return
  report.row('signature', contentEnd, sizeBytes, '')
  const hash = createHash('sha1')
  for await (const chunk of file.chunks(0, contentEnd)) hash.update(chunk)
  const sha1 = hash.digest()
  for (const { type, name, atByte, payload } of records) {
    report.row('  record', contentEnd + atByte, payload.length, name)
    if (type === 254 && !signsDigest(payload, sha1)) {
      report.found('signature', `the code signature is not one of this content, whose SHA-1 is ${sha1.toString('hex')}`)
    }
  }
}
