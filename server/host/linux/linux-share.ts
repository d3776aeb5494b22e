// Shared folders of a Linux machine that runs Samba.
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'
import { readSambaShares } from '../samba-shares.ts'
import { checkShareDraft, type ShareDraft, type SharedFolder, type SharePart } from '../share.ts'

export class LinuxShares implements SharePart {
  readonly #files: MachineFiles

  constructor(files: MachineFiles) {
    this.#files = files
  }

  list(): Promise<Finding<SharedFolder[]>> {
    return asFinding('list shared folders', 5000, async () => {
      const shares = await readSambaShares(this.#files, '/etc/samba/smb.conf')
      return shares === undefined
        ? lack('not-available', 'list shared folders: Samba is not set up here')
        : found(shares)
    })
  }

  async create(draft: ShareDraft): Promise<Finding<SharedFolder>> {
    checkShareDraft(draft)
    return lack('not-available', 'create shared folder: not available here; add it to /etc/samba/smb.conf')
  }
}
