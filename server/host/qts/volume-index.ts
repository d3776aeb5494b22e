// The storage programs' own list of volumes, which an administrator may ask for.
import { type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import { iniFlag } from '../ini-file.ts'
import type { QtsHttp } from './qts-http.ts'
import { childrenOf, firstOf, textOf } from './xml.ts'

export interface VolumeIndexRow {
  /** By which other programs of QTS name the volume. */
  number: string
  label: string
  isEncrypted: boolean
}

/** By the name of the device below /dev/mapper, such as `cachedev1`. */
export async function readVolumeIndex(
  http: QtsHttp,
  session: HostSession | undefined,
): Promise<Finding<Map<string, VolumeIndexRow>>> {
  const path = '/cgi-bin/disk/disk_manage.cgi'
  const answer = await http.postAs(session, path, { func: 'extra_get', extra_vol_index: '1' })
  if (!answer.isFound) return answer
  if (firstOf(answer.value, 'Volume_Index') === undefined) {
    return lack('failed', `ask QTS ${path}: no Volume_Index in the answer`)
  }
  const rows = childrenOf(answer.value, 'Volume_Index', 'row').map(
    (row) =>
      [
        // Named by some firmwares with the folder, by some without.
        textOf(row, 'mappingName').replace(/^.*\//, ''),
        {
          number: textOf(row, 'vol_no'),
          label: textOf(row, 'vol_label'),
          isEncrypted: iniFlag(textOf(row, 'encryptfs_bool')) === true,
        },
      ] as const,
  )
  return found(new Map(rows.filter(([name]) => name !== '')))
}
