// The shared folders of a NAS.
import { basename } from 'node:path'
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import type { MachineFiles } from '../machine-files.ts'
import { type Mount, mountOf, parseMountInfo } from '../mount.ts'
import { readSambaShares } from '../samba-shares.ts'
import { checkShareDraft, type ShareDraft, type SharedFolder, type SharePart } from '../share.ts'
import type { QtsHttp } from './qts-http.ts'
import { readBack } from './read-back.ts'
import { readVolumeIndex } from './volume-index.ts'

const sambaPath = '/etc/config/smb.conf'
const limitMs = 5000

export class QtsShares implements SharePart {
  readonly #files: MachineFiles
  readonly #http: QtsHttp
  readonly #patienceMs: number

  constructor(files: MachineFiles, http: QtsHttp, patienceMs: number) {
    this.#files = files
    this.#http = http
    this.#patienceMs = patienceMs
  }

  list(): Promise<Finding<SharedFolder[]>> {
    return asFinding('list shared folders', limitMs, async () => {
      const shares = await readSambaShares(this.#files, sambaPath)
      if (shares === undefined) return lack('failed', `list shared folders: there is no ${sambaPath}`)
      return found(shares)
    })
  }

  async create(draft: ShareDraft, session?: HostSession): Promise<Finding<SharedFolder>> {
    checkShareDraft(draft)
    const attempt = `create shared folder ${draft.name}`
    const before = await this.#find(draft.name)
    if (!before.isFound) return before
    if (before.value !== undefined) return lack('refused', `${attempt}: there is one of that name`)
    const volume = await this.#volumeOf(draft.volumePath)
    if (!volume.isFound) return volume
    const number = await this.#numberOf(volume.value, session)
    if (!number.isFound) return number
    const answer = await this.#http.postAs(session, '/cgi-bin/wizReq.cgi', {
      ...{ wiz_func: 'share_create', action: 'add_share', path_type: 'auto', hidden: 'no', oplocks: 'yes' },
      ...{ access_r: 'admin_only', guest: 'deny', recycle_bin: '0', qsync: '0' },
      ...{ share_name: draft.name, comment: draft.comment, vol_no: number.value },
    })
    if (!answer.isFound) return answer
    const share = await readBack(attempt, this.#patienceMs, () => this.#find(draft.name))
    if (!share.isFound || (await this.#isOn(share.value.path, volume.value))) return share
    return lack('failed', `${attempt}: it was made at ${share.value.path}, not on ${draft.volumePath}`)
  }

  /** Two names that differ by capitals alone are one to Samba. */
  async #find(name: string): Promise<Finding<SharedFolder | undefined>> {
    const shares = await this.list()
    if (!shares.isFound) return shares
    return found(shares.value.find((share) => share.name.toLowerCase() === name.toLowerCase()))
  }

  #volumeOf(volumePath: string): Promise<Finding<Mount>> {
    return asFinding('find volume', limitMs, async () => {
      const mounts = parseMountInfo((await this.#files.read('/proc/self/mountinfo')) ?? '')
      const mount = mounts.findLast(({ mountPoint }) => this.#files.path(mountPoint) === volumePath)
      return mount === undefined ? lack('refused', `find volume: none is mounted at ${volumePath}`) : found(mount)
    })
  }

  /** The number shared folders are made by. */
  async #numberOf(volume: Mount, session: HostSession | undefined): Promise<Finding<string>> {
    const index = await readVolumeIndex(this.#http, session)
    if (!index.isFound) return index
    const number = index.value.get(basename(volume.source))?.number
    return number ? found(number) : lack('refused', `find volume: QTS makes no shared folders on ${volume.mountPoint}`)
  }

  async #isOn(path: string, volume: Mount): Promise<boolean> {
    const mounts = parseMountInfo((await this.#files.read('/proc/self/mountinfo').catch(() => '')) ?? '')
    const below = mounts.map((mount) => ({ ...mount, mountPoint: this.#files.path(mount.mountPoint) }))
    return mountOf(path, below).mountPoint === this.#files.path(volume.mountPoint)
  }
}
