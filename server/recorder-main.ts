// The recorder process: cameras in, segments out. Lives on when the server goes; found again over its Unix socket.
//
// NIGHTJAR_DATA_DIR: where its socket, its last settings and the seal key are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { systemClock } from './base/clock.ts'
import { createLineLog } from './base/line-log.ts'
import { HostResolver } from './base/resolver.ts'
import { Seal } from './base/seal.ts'
import { mountOf, parseMountInfo } from './host/mount.ts'
import { type DiskLoad, NodeDisk } from './recording/disk.ts'
import { keepSettings, lastSettings, lastSettingsName } from './recording/last-settings.ts'
import { NapLength, startNapping } from './recording/nap.ts'
import { Recorder } from './recording/recorder.ts'
import type { RecorderEvent } from './recording/recorder-protocol.ts'
import { RecorderSocket } from './recording/recorder-socket.ts'
import { WriteThread } from './recording/write-thread.ts'
import { Arena } from './stream/arena.ts'
import { version } from './version.ts'

/** Address space of the arena, in MiB: memory is used as far as cameras need it. */
const arenaMib = Math.min(1024, Math.floor(totalmem() / 4 / 1024 ** 2))
const spillBytes = Math.min(512 * 1024 ** 2, Math.floor(totalmem() / 8))
/** SIGTERM closes and syncs every segment within this. */
const closePatienceMs = 2500
/** Between two ticks at least; naps make it longer. */
const tickMs = 95

const dataDir = process.env['NIGHTJAR_DATA_DIR'] ?? '.data'
const logger = createLineLog('recorder', process.env['NIGHTJAR_LOG_LEVEL'] ?? 'info')
const socketPath = join(dataDir, 'recorder.sock')
const settingsPath = join(dataDir, lastSettingsName)
const seal = Seal.open(join(dataDir, 'seal.key'))
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const startedUs = systemClock.utcUs()
const load: DiskLoad = { waiting: 0, urgent: 0, finished: 0 }
const arena = new Arena(arenaMib * 1024 ** 2)
let writeThreads: WriteThread[] = []

let socket: RecorderSocket | undefined
const early: RecorderEvent[] = []

const recorder = new Recorder({
  arena,
  clock: systemClock,
  logger,
  resolver: new HostResolver(),
  bootId,
  makeDisk,
  mountPointOf: async (path) => mountOf(path, parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))).mountPoint,
  clockTrust: () => clockTrust,
  report: (event) => (socket === undefined ? early.push(event) : socket.report(event)),
  spillBytes,
})

let clockTrust = readClockTrust()

/** 2 where the system says its clock is synchronised; 0 where it stands before this program was written. */
function readClockTrust(): number {
  if (existsSync('/run/systemd/timesync/synchronized')) return 2
  return Date.now() < Date.UTC(2026, 0, 1) ? 0 : 1
}

/** A disk whose footage is written by a thread of its own. */
function makeDisk(): NodeDisk {
  const thread = new WriteThread(arena.memory)
  writeThreads = [...writeThreads.filter((one) => !one.isGone), thread]
  return new NodeDisk(load, thread)
}

function kickWrites(): void {
  for (const thread of writeThreads) thread.kick()
}

function settleWrites(): void {
  for (const thread of writeThreads) load.finished += thread.settle()
}

let isStopping = false

async function stop(reason: string): Promise<void> {
  if (isStopping) return
  isStopping = true
  logger.info(`stopping: ${reason}`)
  // No more naps: closing is many small steps, each one waited for.
  await stopNapping?.()
  setInterval(() => {
    kickWrites()
    settleWrites()
  }, 2)
  await recorder.close(closePatienceMs)
  await socket?.close()
  process.exit(0)
}

let stopNapping: (() => Promise<void>) | undefined
const napLength = new NapLength(load)
let tickedMs = 0
let statusMs = 0
let trustMs = 0

/** What is done a few times a second, each time that what had come in has been read: cuts are then not made too early. */
function tick(listening: RecorderSocket): void {
  const nowMs = performance.now()
  if (isStopping || nowMs - tickedMs < tickMs) return
  tickedMs = nowMs
  recorder.tick()
  if (nowMs >= statusMs) {
    statusMs = Math.max(statusMs + 1000, nowMs)
    listening.sendStatus()
  }
  if (nowMs - trustMs > 60_000) {
    trustMs = nowMs
    clockTrust = readClockTrust()
  }
}

async function main(): Promise<void> {
  const listening = new RecorderSocket({
    path: socketPath,
    version,
    bootId,
    startedUs,
    logger,
    recorder,
    onSettings: async (settings) => {
      try {
        keepSettings(settingsPath, seal, settings)
        await recorder.apply(settings)
      } catch (error) {
        logger.error({ err: error }, 'apply settings')
      }
    },
    onShutdown: () => void stop('the server asked'),
  })
  if (!(await listening.listen())) {
    logger.warn('another recorder is running here: this one ends')
    process.exit(3)
  }
  socket = listening
  for (const event of early.splice(0)) listening.report(event)
  writeFileSync(join(dataDir, 'recorder.pid'), `${process.pid}\n`)
  const atUs = systemClock.utcUs()
  listening.report({
    type: 'occurrence',
    name: 'recorder-started',
    level: 'info',
    atUs,
    message: 'the recorder started',
  })
  const settings = lastSettings(settingsPath, seal)
  if (settings !== undefined) await recorder.apply(settings)
  stopNapping = startNapping({
    napMs: () => napLength.next(recorder.waiters()),
    beforeSleep: () => {
      tick(listening)
      kickWrites()
    },
    afterSleep: settleWrites,
    bellPath: join(dataDir, 'recorder.bell'),
  })
}

process.on('SIGTERM', () => void stop('SIGTERM'))
process.on('SIGINT', () => void stop('SIGINT'))
// One camera's fault must not end the others' recording: what nobody caught is told, and life goes on.
process.on('uncaughtException', (error) => logger.error({ err: error }, 'a bug: nobody caught this'))
process.on('unhandledRejection', (error) => logger.error({ err: error }, 'a bug: nobody awaited this'))

await main()
