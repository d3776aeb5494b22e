// An hour of one camera as a movie: how soon it begins to come, what it costs, beside ffmpeg that joins the same files.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Timeline } from '../../../shared/recording.ts'
import { ProcessMeter } from '../process-meter.ts'
import { quantile } from '../quantile.ts'
import { type Report, rounded } from '../report.ts'
import { ServerProcess, serverEnvironment } from '../server-process.ts'
import { withWorkFolder } from '../work-folder.ts'
import { writeDay } from './day-of-footage.ts'
import { beginMovie, downloadAll, firstByteMs } from './download.ts'
import { joinAll } from './ffmpeg-join.ts'
import { type Footage, writeHour } from './hour-of-footage.ts'
import { beginPeak, peakBytes } from './peak-memory.ts'

const ranges = 20
const rangeBytes = 256 * 1024
const foundWithinSec = 30

const goals = { firstByteMs: 50, cpuRatio: 3, dayMb: 32 }

/** `rounds`: how often the downloads and the joins are measured, in turn. */
export async function benchExport({ rounds }: { rounds: number }, report: Report): Promise<void> {
  const hourBytes = await withWorkFolder(async (folder) => {
    mkdirSync(path.join(folder, 'data'))
    const env = serverEnvironment(folder)
    report.tell('writing an hour of footage')
    const hour = await writeHour(env)
    const server = await ServerProcess.start(env)
    try {
      await isFound(server, hour)
      const growth = await measureMemory(server, hour)
      await measureFirstBytes(server, hour, report)
      await measureCpu(server, hour, folder, rounds, report)
      return growth
    } finally {
      await server.stop()
    }
  })
  const dayBytes = await withWorkFolder((folder) => measureDay(folder, report))
  const inMb = (bytes: number) => rounded(bytes / 1048576, 1)
  report.row({
    metric: 'export-memory',
    growthMb: inMb(hourBytes),
    dayGrowthMb: inMb(dayBytes),
    dayBudgetMb: goals.dayMb,
  })
}

/** What the server holds more at most while a day is downloaded. */
async function measureDay(folder: string, report: Report): Promise<number> {
  mkdirSync(path.join(folder, 'data'))
  const env = serverEnvironment(folder)
  report.tell('writing a day of frames')
  const day = await writeDay(env)
  try {
    const server = await ServerProcess.start(env)
    try {
      await isFound(server, day)
      return await measureMemory(server, day)
    } finally {
      await server.stop()
    }
  } finally {
    day.remove()
  }
}

/** A server may read its index from the files; waits until all the footage is in it. */
async function isFound({ client }: ServerProcess, { cameraId, fromMs, toMs }: Footage): Promise<void> {
  const query = new URLSearchParams({ cameras: cameraId, fromMs: String(fromMs), toMs: String(toMs) })
  for (const until = performance.now() + foundWithinSec * 1000; ; await sleep(200)) {
    const { tracks } = await client.must<Timeline>('GET', `api/timeline?${query}`)
    const [start = 0, end = 0] = tracks[0]?.spans ?? []
    if (end - start > toMs - fromMs - 5000) return
    if (performance.now() > until) throw new Error('the server did not find the footage')
  }
}

function addressOf({ client }: ServerProcess, { cameraId, fromMs, toMs }: Footage): URL {
  const query = new URLSearchParams({ fromMs: String(fromMs), toMs: String(toMs) })
  return new URL(`api/cameras/${cameraId}/streams/1/clip.mp4?${query}`, client.url)
}

/** What the server holds more at most while all of it is downloaded for the first time, its tables made for it. */
async function measureMemory(server: ServerProcess, hour: Footage): Promise<number> {
  const before = beginPeak(server.pid)
  await downloadAll(addressOf(server, hour), server.client.cookie)
  return peakBytes(server.pid) - before
}

/** The whole hour and ranges anywhere in it, in turn; then spans that nobody asked for before, whose tables are made. */
async function measureFirstBytes(server: ServerProcess, hour: Footage, { row }: Report): Promise<void> {
  const { cookie } = server.client
  const address = addressOf(server, hour)
  const wholes: number[] = []
  const parts: number[] = []
  const news: number[] = []
  for (let i = 0; i < ranges; i++) {
    const { tookMs, dataAt, sizeBytes } = await beginMovie(address, cookie)
    wholes.push(tookMs)
    const at = dataAt + Math.floor(Math.random() * (sizeBytes - dataAt - rangeBytes))
    parts.push(await firstByteMs(address, cookie, at, at + rangeBytes - 1))
  }
  for (let i = 1; i <= ranges; i++) {
    const shorter = addressOf(server, { ...hour, toMs: hour.toMs - i * 1000 })
    news.push((await beginMovie(shorter, cookie)).tookMs)
  }
  const all = [...wholes, ...parts]
  row({
    metric: 'export-first-byte',
    medianMs: rounded(quantile(all, 0.5), 1),
    p95Ms: rounded(quantile(all, 0.95), 1),
    wholeMs: rounded(quantile(wholes, 0.5), 1),
    rangeMs: rounded(quantile(parts, 0.5), 1),
    newSpanMs: rounded(quantile(news, 0.5), 1),
    budgetMs: goals.firstByteMs,
  })
}

async function measureCpu(
  server: ServerProcess,
  hour: Footage,
  folder: string,
  rounds: number,
  report: Report,
): Promise<void> {
  let nightjarSec = 0
  let ffmpegSec = 0
  for (let round = 0; round < rounds; round++) {
    const meter = new ProcessMeter([server.pid])
    const gotBytes = await downloadAll(addressOf(server, hour), server.client.cookie)
    const { cpuMs } = meter.end()
    const joined = await joinAll(hour.files, folder)
    report.tell(
      `nightjar: ${rounded(cpuMs / 1000, 3)} CPU-s for ${gotBytes} bytes; ` +
        `ffmpeg: ${rounded(joined.cpuSec, 3)} CPU-s for ${joined.sizeBytes} bytes`,
    )
    if (Math.abs(gotBytes / joined.sizeBytes - 1) > 0.02) throw new Error('the two did not send the same footage')
    nightjarSec += cpuMs / 1000 / rounds
    ffmpegSec += joined.cpuSec / rounds
  }
  report.row({
    metric: 'export-cpu',
    nightjarCpuSec: rounded(nightjarSec, 3),
    ffmpegCpuSec: rounded(ffmpegSec, 3),
    ratio: rounded(ffmpegSec / nightjarSec, 2),
    goal: goals.cpuRatio,
  })
}
