// The shared folders of an smb.conf, as QTS and Samba write it.

import { iniFlag, iniValue, parseIni } from './ini-file.ts'
import type { MachineFiles } from './machine-files.ts'
import type { SharedFolder } from './share.ts'

/** Sections of smb.conf(5) that are no shared folder. */
const otherSections = new Set(['', 'global', 'homes', 'printers', 'print$'])

/** Every section with a path, in the order of the file; undefined where there is no such file. */
export async function readSambaShares(files: MachineFiles, path: string): Promise<SharedFolder[] | undefined> {
  const text = await files.read(path)
  if (text === undefined) return undefined
  const shares: SharedFolder[] = []
  for (const [name, section] of parseIni(text)) {
    const folder = iniValue(section, 'path')
    if (otherSections.has(name.toLowerCase()) || folder === undefined) continue
    const isWritable = iniFlag(iniValue(section, 'writable') ?? iniValue(section, 'writeable'))
    shares.push({
      name,
      path: await files.resolve(folder),
      comment: iniValue(section, 'comment') ?? '',
      isHidden: iniFlag(iniValue(section, 'browseable') ?? iniValue(section, 'browsable')) === false,
      // Samba's own default where neither is said (smb.conf(5)): read only.
      isReadOnly: iniFlag(iniValue(section, 'read only')) ?? isWritable !== true,
      isPresent: await files.has(folder),
    })
  }
  return shares
}
