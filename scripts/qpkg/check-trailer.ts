// The trailer of a package: whether it stands where it must, and says what it must.
import type { CheckReport } from './check-report.ts'
import type { PackageFile } from './package-file.ts'
import {
  blankFields,
  encryptNumber,
  fixFlag,
  packageFlag,
  readTrailer,
  type TrailerField,
  trailerBytes,
} from './trailer.ts'

/** A flag within so many bytes of the end is taken for the trailer's own, moved. */
const searchedBytes = 4096
const flagBytes = 10

/** The fields as they stand there; undefined where the file is too short to have any. */
export async function checkTrailer(
  file: PackageFile,
  report: CheckReport,
): Promise<Record<TrailerField, string> | undefined> {
  if (file.sizeBytes < trailerBytes) {
    report.found('trailer', `the file has ${file.sizeBytes} bytes, the trailer alone has ${trailerBytes}`)
    return undefined
  }
  const trailer = readTrailer(await file.read(file.sizeBytes - trailerBytes, trailerBytes))
  const flags = [packageFlag, fixFlag].map((flag) => flag.padEnd(flagBytes))
  if (!flags.includes(trailer.flag)) {
    report.found('trailer', await flagFinding(file, trailer.flag))
    return undefined
  }
  const encrypt = encryptNumber(file.sizeBytes)
  if (trailer.encrypt !== encrypt) {
    const told = JSON.stringify(trailer.encrypt)
    report.found('trailer', `encrypt is ${told}, a file of ${file.sizeBytes} bytes has "${encrypt}"`)
  }
  for (const field of blankFields) {
    if (trailer[field].trim() !== '' || /[^ ]/.test(trailer[field])) {
      report.found('trailer', `${field} is ${JSON.stringify(trailer[field])}, not blank`)
    }
  }
  for (const field of ['name', 'version'] as const) {
    if (!/^[\x21-\x7e]+ *$/.test(trailer[field])) {
      report.found('trailer', `${field} is ${JSON.stringify(trailer[field])}, not ASCII filled up with spaces`)
    }
  }
  return trailer
}

async function flagFinding(file: PackageFile, told: string): Promise<string> {
  const from = Math.max(0, file.sizeBytes - searchedBytes)
  const end = (await file.read(from, searchedBytes)).toString('latin1')
  const at = Math.max(end.lastIndexOf(packageFlag), end.lastIndexOf(fixFlag))
  const finding = `the flag is ${JSON.stringify(told)}, not "${packageFlag.padEnd(flagBytes)}"`
  if (at === -1) return `${finding}: the end of the file is lost, or this is no package`
  const movedBytes = from + at - (file.sizeBytes - flagBytes)
  if (movedBytes === 0) return finding
  return movedBytes > 0
    ? `${finding}: it stands ${movedBytes} bytes later, so the file is cut short by ${movedBytes} bytes at its end`
    : `${finding}: it stands ${-movedBytes} bytes earlier, so ${-movedBytes} bytes too many follow it`
}
