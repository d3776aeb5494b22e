import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { chronyTrust, kernelTrust, readClockTrust, systemdTrust } from '../../../server/host/clock-trust.ts'
import { readVolumeFacts } from '../../../server/host/volume.ts'
import { judgeFileSystem } from '../../../server/system/file-system.ts'
import { ffmpegVersionOf } from '../../../server/system/program.ts'
import { thresholds, verdictOf } from '../../../server/system/requirement-table.ts'
import {
  clockFinding,
  ffmpegFinding,
  latencyFinding,
  measureRequirements,
  type RecordingPlace,
} from '../../../server/system/requirements.ts'
import { measureSyncLatency } from '../../../server/system/sync-latency.ts'
import { type RequirementFinding, requirementFinding, requirementNames } from '../../../shared/setup.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

async function placeIn(volumePath: string): Promise<RecordingPlace> {
  const mountPoint = (await readVolumeFacts(volumePath))?.mountPoint ?? '/'
  return { volumePath, mountPoint, fault: undefined, folder: join(volumePath, 'QVRProSpace_volume'), usedBytes: 0 }
}

function named(findings: RequirementFinding[], name: RequirementFinding['name']): RequirementFinding {
  return findings.find((one) => one.name === name)!
}

const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']

/** What is found of a mount made for one process by `commands`, where `$V` is the mount point. */
function foundOn(commands: string): { findings: RequirementFinding[]; left: string[] } {
  const folder = makeTestFolder()
  const program = join(import.meta.dirname, '../../support/requirements-of.ts')
  const script = `${commands} && exec "$0" "$1" "$V"`
  const out = execFileSync('unshare', [...asRoot, '-m', 'sh', '-c', script, process.execPath, program], {
    env: { ...process.env, V: folder },
    encoding: 'utf8',
  })
  return JSON.parse(out)
}

describe('the check of the requirements', function () {
  this.timeout(60_000)

  it('measures this machine, each thing once, and leaves nothing on the volume', async () => {
    const volumePath = makeTestFolder()
    let done = 0

    const { findings } = measureRequirements({
      place: await placeIn(volumePath),
      clockDoubt: undefined,
      onDone: (count) => {
        done = count
      },
    })
    const found = await findings

    assert.deepEqual(
      found.map(({ name }) => name),
      requirementNames,
    )
    for (const one of found) requirementFinding.parse(one)
    assert.equal(done, 6)
    assert.match(named(found, 'processor-cores').measured, new RegExp(`^${availableParallelism()} core`))
    assert.equal(named(found, 'node').measured, process.versions.node)
    assert.equal(named(found, 'node').wanted, 'version 24 or newer')
    assert.match(named(found, 'sync-latency').measured, /^median [\d.]+ ms, worst [\d.]+ ms of \d+$/)
    assert.equal(named(found, 'recording-folder').measured, volumePath)
    assert.equal(named(found, 'recording-folder').verdict, 'fine')
    assert.deepEqual(readdirSync(volumePath), [])
  })

  it('counts what the space holds as free', async () => {
    const volumePath = makeTestFolder()
    const place = { ...(await placeIn(volumePath)), usedBytes: 4_000_000e9 }

    const found = await measureRequirements({ place, clockDoubt: undefined }).findings

    assert.ok(Number.parseFloat(named(found, 'space-free').measured) > 4_000_000)
  })

  it('finds a volume that is not there, and says so of everything on it', async () => {
    const volumePath = join(makeTestFolder(), 'gone')

    const found = await measureRequirements({ place: await placeIn(volumePath), clockDoubt: undefined }).findings

    for (const name of ['space-free', 'space-total', 'file-system', 'sync-latency', 'recording-folder'] as const) {
      assert.equal(named(found, name).verdict, 'failed', name)
      assert.ok(named(found, name).sentence.includes(volumePath), named(found, name).sentence)
    }
  })

  it('finds a file where the recording folder ought to be', async () => {
    const volumePath = makeTestFolder()
    writeFileSync(join(volumePath, 'QVRProSpace_volume'), '')

    const found = await measureRequirements({ place: await placeIn(volumePath), clockDoubt: undefined }).findings

    assert.match(named(found, 'recording-folder').sentence, /QVRProSpace_volume: it is no folder/)
  })

  const unproved: [what: string, change: Partial<RecordingPlace>, says: RegExp][] = [
    ['whose mount is gone', { mountPoint: '/mnt/of-another-day' }, /not on \/mnt\/of-another-day any more/],
    [
      'that the recorder holds for another',
      { fault: 'the marker is another server’s' },
      /the marker is another server’s/,
    ],
  ]
  for (const [what, change, says] of unproved) {
    it(`writes nothing to a disk ${what}, and removes nothing there`, async () => {
      const volumePath = makeTestFolder()
      writeFileSync(join(volumePath, '.nightjar-sync-of-another-day'), 'x')

      const place = { ...(await placeIn(volumePath)), ...change }
      const found = await measureRequirements({ place, clockDoubt: undefined }).findings

      assert.equal(named(found, 'sync-latency').verdict, 'failed')
      assert.match(named(found, 'sync-latency').sentence, says)
      assert.deepEqual(readdirSync(volumePath), ['.nightjar-sync-of-another-day'])
    })
  }

  it('says that there is no recording space', async () => {
    const found = await measureRequirements({ place: undefined, clockDoubt: undefined }).findings

    assert.deepEqual(
      found.filter(({ sentence }) => sentence.startsWith('There is no recording space')).map(({ name }) => name),
      ['space-free', 'space-total', 'file-system', 'sync-latency', 'recording-folder'],
    )
  })

  it('waits for nothing longer than it is told, and cleans up afterwards all the same', async () => {
    const volumePath = makeTestFolder()

    const { findings, settled } = measureRequirements({
      place: await placeIn(volumePath),
      clockDoubt: undefined,
      limitMs: 0,
    })
    const found = await findings
    await settled

    assert.match(named(found, 'sync-latency').sentence, /no answer within 0 s/)
    assert.equal(named(found, 'sync-latency').verdict, 'failed')
    assert.deepEqual(readdirSync(volumePath), [])
  })

  it('refuses a tmpfs for what it is, and its size', () => {
    const { findings, left } = foundOn('mount -t tmpfs -o size=64m none "$V"')

    assert.equal(named(findings, 'file-system').verdict, 'failed')
    assert.match(named(findings, 'file-system').sentence, /^The file system at .* is tmpfs: it lies in memory/)
    assert.equal(named(findings, 'space-total').verdict, 'failed')
    assert.equal(named(findings, 'space-total').measured, '0.1 GB')
    assert.deepEqual(left, [])
  })

  it('finds that a volume is mounted read-only', () => {
    const { findings } = foundOn('mount -t tmpfs -o ro none "$V"')

    assert.match(named(findings, 'recording-folder').sentence, /cannot write to .*mounted read-only/)
    assert.match(named(findings, 'sync-latency').sentence, /could not be written: EROFS/)
  })

  it('finds that a volume is full, and leaves no file on it', () => {
    const { findings, left } = foundOn(
      'mount -t tmpfs -o size=64k none "$V" && { cat /dev/zero > "$V/filler" 2>/dev/null || true; }',
    )

    assert.match(named(findings, 'sync-latency').sentence, /ENOSPC/)
    assert.deepEqual(left, ['filler'])
  })
})

describe('the sync latency', () => {
  it('is measured by real writes, the median no longer than the worst', async () => {
    const { medianMs, worstMs, count } = await measureSyncLatency(makeTestFolder())

    assert.ok(medianMs > 0 && medianMs <= worstMs, `${medianMs} ${worstMs}`)
    assert.ok(count >= 1 && count <= 32)
  })

  it('removes what a killed server left, and nothing else', async () => {
    const folder = makeTestFolder()
    writeFileSync(join(folder, '.nightjar-sync-of-another-day'), 'x')
    writeFileSync(join(folder, '.nightjar-space'), 'x')
    mkdirSync(join(folder, 'footage'))

    await measureSyncLatency(folder)

    assert.deepEqual(readdirSync(folder).sort(), ['.nightjar-space', 'footage'])
  })

  const place = { volumePath: '/v', mountPoint: '/v', fault: undefined, folder: '/v/QVRProSpace_v', usedBytes: 0 }
  const cases: [medianMs: number, worstMs: number, verdict: string, says: RegExp][] = [
    [12, 40, 'fine', /as it is wanted/],
    [51, 60, 'warning', /each five seconds/],
    [10, 1001, 'warning', /one write hangs/],
    [301, 400, 'failed', /each five seconds/],
    [60, 4001, 'failed', /one write hangs/],
  ]
  for (const [medianMs, worstMs, verdict, says] of cases) {
    it(`of ${medianMs} ms, worst ${worstMs} ms, is ${verdict}`, () => {
      const found = latencyFinding(place, { value: { medianMs, worstMs, count: 32 } })

      assert.equal(found.verdict, verdict)
      assert.match(found.sentence, says)
    })
  }
})

describe('a threshold', () => {
  const cases: [name: keyof typeof thresholds, value: number, verdict: string][] = [
    ['cores', 4, 'fine'],
    ['cores', 2, 'fine'],
    ['cores', 1, 'warning'],
    ['memoryBytes', 2e9, 'fine'],
    ['memoryBytes', 1e9, 'warning'],
    ['memoryBytes', 0.4e9, 'failed'],
    ['spaceFreeBytes', 20e9, 'warning'],
    ['spaceFreeBytes', 0.5e9, 'failed'],
    ['syncWorstMs', 1000, 'fine'],
    ['nodeMajor', 22, 'warning'],
    ['nodeMajor', 20, 'failed'],
  ]
  for (const [name, value, verdict] of cases) {
    it(`of ${name} finds ${value} ${verdict}`, () => {
      assert.equal(verdictOf(value, thresholds[name]), verdict)
    })
  }
})

describe('a file system', () => {
  const cases: [type: string, verdict: string, says: RegExp][] = [
    ['ext4', 'fine', /last seconds/],
    ['btrfs', 'fine', /last seconds/],
    ['tmpfs', 'failed', /memory/],
    ['vfat', 'failed', /journal/],
    ['overlay', 'warning', /container/],
    ['nfs4', 'warning', /network/],
    ['fuse.sshfs', 'warning', /program/],
    ['newfs', 'warning', /nothing is known/],
    ['constructor', 'warning', /nothing is known/],
  ]
  for (const [type, verdict, says] of cases) {
    it(`named ${type} is ${verdict}`, () => {
      const judged = judgeFileSystem(type)

      assert.equal(judged.verdict, verdict)
      assert.match(judged.reason, says)
    })
  }
})

// As chronyd 4.3 prints it, its server's address replaced.
const chronyLine =
  'C0000207,192.0.2.7,3,1795838000.123456789,-0.000012345,0.000020000,0.000100000,-12.3,0.001,0.02,0.001,0.0005,64.2,'

// As busybox 1.35 prints it.
const busyboxAdjtimex = `    mode:         0
-o  offset:       0 us
    maxerror:     16000000
    status:       64 (UNSYNC)
    return value: 5 (clock not synchronized)
`

describe('the clock’s trust', () => {
  it('is told by chrony, with how far it is off', () => {
    assert.deepEqual(chronyTrust(`${chronyLine}Normal\n`), { sync: 'synchronised', detail: 'chrony: 0.012 ms off' })
    assert.equal(chronyTrust(`${chronyLine}Not synchronised\n`)?.sync, 'unsynchronised')
    assert.equal(chronyTrust('506 Cannot talk to daemon'), undefined)
  })

  it('is told by systemd', () => {
    assert.equal(systemdTrust('yes\n')?.sync, 'synchronised')
    assert.equal(systemdTrust('no\n')?.sync, 'unsynchronised')
    assert.equal(systemdTrust(''), undefined)
  })

  it('is told by the kernel’s flag', () => {
    assert.equal(kernelTrust(busyboxAdjtimex)?.sync, 'unsynchronised')
    assert.equal(kernelTrust(busyboxAdjtimex.replace('64 (UNSYNC)', '8193 (PLL | NANO)'))?.sync, 'synchronised')
    assert.equal(kernelTrust('adjtimex: unrecognized option'), undefined)
  })

  it('believes chrony before the kernel, whose flag chrony may leave alone', async () => {
    const trust = await readClockTrust(async (program) =>
      program === 'chronyc' ? `${chronyLine}Normal\n` : program === 'adjtimex' ? busyboxAdjtimex : undefined,
    )

    assert.equal(trust.sync, 'synchronised')
  })

  it('is unknown where no program tells', async () => {
    assert.equal((await readClockTrust(async () => undefined)).sync, 'unknown')
  })

  it('has failed where the time is plainly wrong, whatever keeps it', () => {
    const found = clockFinding({ value: { sync: 'synchronised', detail: 'chrony' } }, 'it is 1970')

    assert.equal(found.verdict, 'failed')
    assert.equal(found.sentence, 'It is 1970.')
  })
})

describe('ffmpeg', () => {
  const cases: [output: string, version: string | undefined][] = [
    ['ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024', '5.1.6'],
    ['ffmpeg version n7.1 Copyright', '7.1'],
    ['ffmpeg version N-118000-gabcdef Copyright', 'N-118000-gabcdef'],
    ['bash: ffmpeg: not found', undefined],
  ]
  for (const [output, version] of cases) {
    it(`that says ‘${output}’ is of version ${version}`, () => {
      assert.equal(ffmpegVersionOf(output), version)
    })
  }

  it('that is missing is warned of, with what it is missed for', () => {
    assert.equal(ffmpegFinding(undefined).verdict, 'warning')
    assert.match(ffmpegFinding(undefined).sentence, /snapshots/)
    assert.equal(ffmpegFinding('ffmpeg version 3.4.8').verdict, 'warning')
    assert.equal(ffmpegFinding('ffmpeg version N-118000-gabcdef').verdict, 'fine')
  })
})
