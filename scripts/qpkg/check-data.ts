// The data part of a package: the compressed tar of what is installed.
import type { CheckReport } from './check-report.ts'
import { Gunzip, gzipHead } from './fixed-gzip.ts'
import { ddBlockBytes } from './header.ts'
import type { PackageConfig } from './package-config.ts'
import type { PackageFile } from './package-file.ts'
import { readTar } from './tar-reader.ts'

const part = 'data'

export async function checkData(
  file: PackageFile,
  report: CheckReport,
  atByte: number,
  sizeBytes: number,
  dataName: string | undefined,
  config: PackageConfig | undefined,
): Promise<void> {
  report.row(part, atByte, sizeBytes, dataName ?? '')
  if (dataName !== 'data.tar.gz') {
    report.note(part, `${dataName ?? 'its form'} is not looked into: only data.tar.gz is`)
    return
  }
  if (sizeBytes % ddBlockBytes !== 0) {
    report.found(
      part,
      `it is not padded: ${sizeBytes} bytes are no multiple of ${ddBlockBytes}, so an installer copies what follows it too`,
    )
  }
  const head = await file.read(atByte, gzipHead.length)
  // The byte at 8 hints at the level; the rest is the same whoever packs without a name.
  if (Buffer.compare(withoutHint(head), gzipHead) !== 0) {
    report.found(
      part,
      `it begins ${head.toString('hex')}, a gzip stream without name and time begins ${gzipHead.toString('hex')}`,
    )
  }
  const packed = new Gunzip(file.chunks(atByte, sizeBytes))
  const names = new Set<string>()
  try {
    for await (const member of readTar(packed, { wants: () => false })) {
      report.memberRow(part, member)
      const name = member.name.replace(/^\.\//, '').replace(/\/$/, '')
      if (names.has(name)) report.found(part, `${member.name} stands twice in it`)
      names.add(name)
    }
  } catch (error) {
    report.found(part, `it cannot be unpacked: ${(error as Error).message}`)
    return
  }
  await checkPadding(file, report, atByte + packed.compressedBytes, atByte + sizeBytes)
  for (const field of ['QPKG_SERVICE_PROGRAM', 'QPKG_MOUNT_ACTION', 'QPKG_UNMOUNT_ACTION']) {
    const program = config?.[field]
    if (program && !program.startsWith('/') && !names.has(program)) {
      report.found(part, `${program} is missing, the program of ${field}`)
    }
  }
}

function withoutHint(head: Buffer): Buffer {
  const copy = Buffer.from(head)
  if ([0, 2, 4].includes(copy[8] ?? -1)) copy[8] = 0
  return copy
}

async function checkPadding(file: PackageFile, report: CheckReport, from: number, end: number): Promise<void> {
  const padding = await file.read(from, end - from)
  const at = padding.findIndex((byte) => byte !== 0)
  if (at !== -1) report.found(part, `byte ${from + at} is not 0, though the compressed stream ends at ${from}`)
  if (padding.length >= ddBlockBytes)
    report.found(part, `${padding.length} bytes of padding follow it, 1023 are the most`)
}
