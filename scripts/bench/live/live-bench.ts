// Live pictures as viewers get them: how soon, how late, what a viewer costs, and what one that hangs does to the rest.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CameraProcess } from '../camera-process.ts'
import { ProcessMeter } from '../process-meter.ts'
import { quantile } from '../quantile.ts'
import { findFrames } from '../record/lost-frames.ts'
import { type Report, rounded } from '../report.ts'
import { withWorkFolder } from '../work-folder.ts'
import { ServerProcess } from './server-process.ts'
import { type SeenFrame, Viewer } from './viewer.ts'

export interface LiveOptions {
  cameras: number
  /** Length of each window of measuring. */
  seconds: number
  /** How often a window without and one with viewers follow each other. */
  rounds: number
  /** The runtime's options for the server, such as `--cpu-prof`. */
  nodeOptions?: string[]
}

/** Goals; times in milliseconds. */
const budget = { firstPictureMs: 300, latencyMs: 60, cpuMsPerViewerSec: 0.5 }

const opens = 20
/** Streams that nobody looks at are let go after 4 s: each open shall find its stream not watched. */
const letGoMs = 4500
const leastFrames = 300
/** A tile begins with frames that were sent before it was opened. */
const oldFramesMs = 1500
const manyViewers = 32
const otherViewers = 8
const settleMs = 3000
/** With many viewers: code that runs often is compiled by then. */
const compileMs = 20_000
/** What a hanging viewer's socket takes before it is full: the kernel's buffers on both sides and the server's limit. */
const fillMs = 12_000
const recoverMs = 10_000

interface Stage {
  server: ServerProcess
  cameraIds: string[]
  seconds: number
  rounds: number
  report: Report
}

/** Cameras with a main and a 640 × 360 sub stream, all recorded, in one process; the server and its recorder in two. */
export async function benchLive(options: LiveOptions, report: Report): Promise<void> {
  const cameras = await CameraProcess.start(['--preset', 'plain', '--cameras', String(options.cameras)])
  try {
    await withWorkFolder(async (folder) => {
      const server = await ServerProcess.start(folder, options.nodeOptions)
      const cameraIds: string[] = []
      let stalled: StalledFigures
      try {
        const [main, sub] = [cameras.urls('main'), cameras.urls('sub')]
        for (const [i, url] of main.entries()) {
          cameraIds.push(await server.addCamera(`Camera ${i + 1}`, [url, sub[i]!]))
        }
        await server.waitForRecording(2 * cameraIds.length)
        await sleep(settleMs)
        const stage = { server, cameraIds, seconds: options.seconds, rounds: options.rounds, report }
        await measureFirstPicture(stage)
        await measureLatency(stage)
        await measureViewerCpu(stage)
        const before = await droppedByCameras(cameras)
        stalled = await measureStalled(stage)
        const after = await droppedByCameras(cameras)
        report.tell(`the cameras gave up ${before} frames for want of room before one hung, ${after - before} since`)
      } finally {
        await server.stop()
      }
      const recorderFramesLost = await recordedFramesLost(server.volume, cameraIds)
      report.row({ metric: 'live-stalled-viewer', ...stalled, recorderFramesLost })
    })
  } finally {
    await cameras.stop()
  }
}

/** From asking for a stream that nobody looks at to its first frame; the socket stands already. */
async function measureFirstPicture({ server, cameraIds, report }: Stage): Promise<void> {
  report.tell(`first picture: ${opens} opens`)
  const viewer = await Viewer.connect(server.url, server.cookie)
  const times: number[] = []
  for (let i = 0; i < opens; i++) {
    // Not in step with the cameras' keyframes or the recorder's naps.
    const pauseMs = letGoMs / cameraIds.length + 37 * (i % 7)
    const tile = 1 + (i % 255)
    const beganMs = performance.now()
    const first = new Promise<number>((resolve) => {
      viewer.onFrame = (frame) => {
        if (frame.tile === tile) resolve(performance.now() - beganMs)
      }
    })
    viewer.open(tile, cameraIds[i % cameraIds.length]!, 'sub')
    times.push(await first)
    viewer.closeTile(tile)
    await sleep(pauseMs)
  }
  await viewer.disconnect()
  const medianMs = rounded(quantile(times, 0.5), 1)
  report.row({
    metric: 'live-first-picture',
    medianMs,
    maxMs: rounded(quantile(times, 1), 1),
    budgetMs: budget.firstPictureMs,
  })
}

/** From the camera's handing a frame to its socket to the viewer's having it whole. */
async function measureLatency({ server, cameraIds, seconds, report }: Stage): Promise<void> {
  report.tell(`latency: ${leastFrames} frames and more of one tile`)
  const viewer = await Viewer.connect(server.url, server.cookie)
  const late: number[] = []
  const openedMs = performance.now()
  viewer.onFrame = ({ arrivedUs, sentUs }: SeenFrame) => {
    if (performance.now() - openedMs > oldFramesMs) late.push((arrivedUs - sentUs) / 1000)
  }
  viewer.open(1, cameraIds[0]!, 'sub')
  await sleep(oldFramesMs + seconds * 1000)
  while (late.length < leastFrames) {
    await sleep(500)
    if (performance.now() - openedMs > 120_000) throw new Error(`only ${late.length} frames came within two minutes`)
  }
  await viewer.disconnect()
  report.row({
    metric: 'live-latency',
    medianMs: rounded(quantile(late, 0.5), 1),
    p95Ms: rounded(quantile(late, 0.95), 1),
    budgetMs: budget.latencyMs,
    frames: late.length,
  })
}

/** What the server spends on many viewers of one sub stream, over what it spends without: windows of each in turn. */
async function measureViewerCpu({ server, cameraIds, seconds, rounds, report }: Stage): Promise<void> {
  let [withoutMs, withMs, viewerSec, lostFrames] = [0, 0, 0, 0]
  const first = await connectMany(server, manyViewers, () => cameraIds[0]!)
  await sleep(compileMs)
  await Promise.all(first.map((viewer) => viewer.disconnect()))
  for (let round = 0; round < rounds; round++) {
    // What the viewers before have left behind is over.
    await sleep(letGoMs + 1000)
    withoutMs += await cpuMsPerSec(server.pid, seconds)
    const viewers = await connectMany(server, manyViewers, () => cameraIds[0]!)
    await sleep(settleMs)
    withMs += await cpuMsPerSec(server.pid, seconds)
    viewerSec += manyViewers
    for (const viewer of viewers) lostFrames += viewer.lostFrames
    await Promise.all(viewers.map((viewer) => viewer.disconnect()))
  }
  const cpuMsPerViewerSec = (withMs - withoutMs) / viewerSec
  report.tell(
    `${manyViewers} viewers: the server takes ${rounded(withMs / rounds, 2)} ms a second, without them ` +
      `${rounded(withoutMs / rounds, 2)}; they missed ${lostFrames} frames`,
  )
  report.row({
    metric: 'live-viewer-cpu',
    cpuMsPerViewerSec: rounded(cpuMsPerViewerSec, 3),
    budget: budget.cpuMsPerViewerSec,
    viewers: manyViewers,
  })
}

/** CPU milliseconds a second of one process in a window. */
async function cpuMsPerSec(pid: number, windowSec: number): Promise<number> {
  const meter = new ProcessMeter([pid])
  await sleep(windowSec * 1000)
  const { cpuMs, seconds } = meter.end()
  return cpuMs / seconds
}

async function connectMany(
  server: ServerProcess,
  count: number,
  cameraIdOf: (viewer: number) => string,
): Promise<Viewer[]> {
  const viewers: Viewer[] = []
  for (let i = 0; i < count; i++) {
    const viewer = await Viewer.connect(server.url, server.cookie)
    viewer.open(1, cameraIdOf(i), 'sub')
    viewers.push(viewer)
  }
  return viewers
}

interface StalledFigures {
  othersFramesLost: number
  recorderCpuChangePct: number
}

/**
 * One viewer of every main stream takes all it is sent, then hangs, in turns, while others look at sub streams: what the
 * recorder spends, and whether the others miss anything.
 */
async function measureStalled({ server, cameraIds, seconds, rounds, report }: Stage): Promise<StalledFigures> {
  report.tell('a viewer that hangs')
  const others = await connectMany(server, otherViewers, (i) => cameraIds[i % cameraIds.length]!)
  const viewer = await Viewer.connect(server.url, server.cookie)
  for (const [i, cameraId] of cameraIds.entries()) viewer.open(i + 1, cameraId, 'main')
  await sleep(settleMs)
  let [readingMs, stalledMs] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    readingMs += await cpuMsPerSec(server.recorderPid, seconds)
    const droppedBefore = viewer.droppedFrames
    viewer.stall()
    await sleep(fillMs)
    stalledMs += await cpuMsPerSec(server.recorderPid, seconds)
    viewer.goOn()
    await sleep(recoverMs)
    if (viewer.droppedFrames === droppedBefore) throw new Error('the viewer that hung was left nothing out')
  }
  const othersFramesLost = others.reduce((sum, other) => sum + other.lostFrames + other.droppedFrames, 0)
  const framesSeen = others.reduce((sum, other) => sum + other.framesSeen, 0)
  await Promise.all([...others, viewer].map((one) => one.disconnect()))
  report.tell(
    `the recorder takes ${rounded(readingMs / rounds, 2)} ms a second while all read, ${rounded(stalledMs / rounds, 2)} ` +
      `while one hangs, who was left out ${viewer.droppedFrames} frames; the others got ${framesSeen}`,
  )
  return { othersFramesLost, recorderCpuChangePct: rounded((100 * (stalledMs - readingMs)) / readingMs, 1) }
}

/** Frames that the recorder's open connections did not take in time, so that the cameras gave them up. */
async function droppedByCameras(cameras: CameraProcess): Promise<number> {
  const connections = (await cameras.stats()).flatMap((camera) => camera.connections)
  const tracks = connections.flatMap((connection) => connection.tracks)
  return tracks.reduce((sum, track) => sum + (track.kind === 'video' ? track.dropped : 0), 0)
}

/** Frames missing in what was recorded of all streams meanwhile. */
async function recordedFramesLost(volume: string, cameraIds: readonly string[]): Promise<number> {
  const files = new Map<string, string[]>()
  for (const entry of readdirSync(volume, { recursive: true, encoding: 'utf8' })) {
    const stream = /([0-9a-f-]{36}\/[1-3])-normal\/.*\.mp4$/.exec(entry)?.[1]
    if (stream === undefined) continue
    files.set(stream, [...(files.get(stream) ?? []), path.join(volume, entry)])
  }
  if (files.size !== 2 * cameraIds.length) throw new Error(`${files.size} streams were recorded`)
  let lost = 0
  for (const own of files.values()) lost += (await findFrames(own.sort(), true)).lost
  return lost
}
