// What goes wrong with a disk in one life of the recorder, beside losing power.
import type { CallKind, CrashDisk, DiskCall, Fault } from './crash-disk.ts'
import { emptyVolume, plant, type Volume } from './crash-volume.ts'
import type { FakeClock } from './fake-clock.ts'
import { markerFile } from './oracle/space-files.ts'
import type { Random } from './random.ts'
import type { Witness } from './witness.ts'

export interface FaultPlan {
  name: string
  /** Asked before each call. */
  fault(call: DiskCall): Fault | undefined
  /** After some calls were performed. */
  afterSteps(disk: CrashDisk, clock: FakeClock): void
  /** No call is under way. */
  atRest(disk: CrashDisk, clock: FakeClock, witness: Witness): void
  /** The life ends: the disk is as it should be again. */
  end(disk: CrashDisk): void
}

const nothing = { fault: () => undefined, afterSteps: () => undefined, atRest: () => undefined, end: () => undefined }

/** Chooses one. */
export function faultPlan(random: Random): FaultPlan {
  return random.pick([fullDisk, quota, ioErrors, ioErrors, shortWrites, hungCalls, swappedDisk, swappedDisk])(random)
}

/** The volume is small, or other software fills it up for a while. */
function fullDisk(random: Random): FaultPlan {
  let roomyBytes = 0
  const startUs = random.int(1, 20) * 1_000_000
  const lastsUs = random.int(1, 20) * 1_000_000
  let beganUs = -1
  return {
    ...nothing,
    name: 'full disk',
    atRest(disk, clock, witness) {
      if (disk.volume === undefined) return
      if (beganUs < 0) {
        beganUs = clock.monotonicUs() + startUs
        roomyBytes = disk.volume.capacityBytes
      }
      const now = clock.monotonicUs()
      const isFull = now >= beganUs && now < beganUs + lastsUs
      witness.isDiskFull ||= isFull
      disk.volume.capacityBytes = isFull ? Math.min(disk.volume.capacityBytes, disk.usedBytes() + 4096) : roomyBytes
    },
    end(disk) {
      if (disk.volume !== undefined && roomyBytes > 0) disk.volume.capacityBytes = roomyBytes
    },
  }
}

/** The space's folder has a quota, which the file system does not show in its free space. */
function quota(random: Random): FaultPlan {
  const bytes = random.int(10, 100) * 16_384
  return {
    ...nothing,
    name: 'quota',
    atRest(disk, _clock, witness) {
      if (disk.volume === undefined) return
      witness.isDiskFull = true
      disk.volume.quota ??= { path: `${disk.mountPoint}/QVRProSpace_volume`, bytes: disk.usedBytes() + bytes }
    },
    end(disk) {
      if (disk.volume !== undefined) delete disk.volume.quota
    },
  }
}

const failingKinds: CallKind[] = [
  'write',
  'sync',
  'read',
  'open',
  'create',
  'list',
  'sync-folder',
  'unlink',
  'truncate',
]

/** Calls of some kind fail with EIO, a few times in a row or now and then. */
function ioErrors(random: Random): FaultPlan {
  const kinds = new Set([random.pick(failingKinds), random.pick(failingKinds)])
  const where = random.pick(['.mp4', 'journal/', '.nightjar-space', ''])
  let from = random.int(0, 60)
  let left = random.pick([1, 1, 3, 20])
  const share = random.pick([1, 0.3])
  return {
    ...nothing,
    name: 'I/O errors',
    fault(call) {
      if (!kinds.has(call.kind) || !call.path.includes(where) || from-- > 0 || left <= 0 || !random.chance(share)) {
        return undefined
      }
      left--
      return { code: 'EIO', partialBytes: call.data === undefined ? 0 : random.int(0, call.data.length + 1) }
    },
  }
}

/** Writes are cut short and end in an error, after part of them reached the file. */
function shortWrites(random: Random): FaultPlan {
  let left = random.int(1, 6)
  return {
    ...nothing,
    name: 'short writes',
    atRest(_disk, _clock, witness) {
      witness.isDiskFull = true
    },
    fault(call) {
      if (call.kind !== 'write' || left <= 0 || !random.chance(0.05)) return undefined
      left--
      const code = random.pick(['ENOSPC', 'EDQUOT', 'EIO', 'EINTR'])
      return { code, partialBytes: random.int(0, call.data!.length) }
    },
  }
}

/** Calls hang, for a moment or for longer than the recorder waits. */
function hungCalls(random: Random): FaultPlan {
  let left = random.int(1, 20)
  const share = random.pick([0.02, 0.3])
  const lastsUs = random.pick([300_000, 3_000_000, 30_000_000])
  let beganUs = -1
  return {
    ...nothing,
    name: 'hung calls',
    fault() {
      if (left <= 0 || !random.chance(share)) return undefined
      left--
      return 'hang'
    },
    afterSteps(disk, clock) {
      if (disk.hung === 0) return
      if (beganUs < 0) beganUs = clock.monotonicUs()
      if (clock.monotonicUs() - beganUs < lastsUs) return
      beganUs = -1
      disk.release()
    },
    end(disk) {
      disk.release()
    },
  }
}

/** A volume that carries another space's marker where ours should be. */
function otherDisk(random: Random): Volume {
  const volume = emptyVolume(9)
  const marker = { space: random.uuid(), server: random.uuid(), boot: random.uuid(), heartbeatMs: 1, state: 'proved' }
  plant(volume, 'QVRProSpace_volume/.nightjar-space', markerFile(marker))
  plant(volume, 'QVRProSpace_volume/journal/1.log', new Uint8Array(0))
  return volume
}

/** The mount vanishes, comes back empty, as another disk or read-only; then the right one is there again. */
function swappedDisk(random: Random): FaultPlan {
  const kind = random.pick(['gone', 'empty', 'other', 'read-only', 'pulled'] as const)
  const startUs = random.int(0, 10) * 1_000_000
  const lastsUs = random.int(1, 15) * 1_000_000
  const isBackInTime = random.chance(0.7)
  let beganUs = -1
  let home: Volume | undefined
  const restore = (disk: CrashDisk) => {
    if (home === undefined) return
    home.isReadOnly = false
    home.isPulled = false
    disk.volume = home
  }
  return {
    ...nothing,
    name: `disk ${kind}`,
    atRest(disk, clock) {
      if (beganUs < 0) beganUs = clock.monotonicUs() + startUs
      const now = clock.monotonicUs()
      if (home === undefined && now >= beganUs) {
        home = disk.volume
        if (kind === 'read-only') home!.isReadOnly = true
        else if (kind === 'gone') disk.volume = undefined
        else disk.volume = kind === 'empty' ? emptyVolume(1) : otherDisk(random)
        if (kind === 'pulled') home!.isPulled = true
      } else if (home !== undefined && isBackInTime && now >= beganUs + lastsUs) restore(disk)
    },
    end: restore,
  }
}
