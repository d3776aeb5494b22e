import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import { FfmpegSource, type FfmpegSourceOptions } from '../../../server/stream/ffmpeg-source.ts'
import { SourceRecorder, until } from '../../support/source-recorder.ts'

describe('ffmpeg source', function () {
  this.timeout(60_000)
  let folder: string
  const sources: FfmpegSource[] = []
  const children: ChildProcess[] = []
  const servers: Server[] = []
  let owner: SourceRecorder
  const at = (name: string): string => join(folder, name)

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightjar-ffmpeg-'))
    const make = (name: string, ...options: string[]): void => {
      const input = [
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=25',
        '-f',
        'lavfi',
        '-i',
        'sine=sample_rate=16000',
      ]
      execFileSync('ffmpeg', ['-v', 'error', ...input, '-t', '1', ...options, '-y', at(name)])
    }
    const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25']
    make('aac.mp4', ...h264, '-c:a', 'aac')
    make('bframes.mp4', '-c:v', 'libx264', '-bf', '2', '-g', '25', '-an')
    make('mp2.ts', ...h264, '-c:a', 'mp2')
    make('mpeg4.mp4', '-c:v', 'mpeg4', '-an')
    make('picture-%02d.jpg', '-c:v', 'mjpeg', '-an')
  })

  after(() => rmSync(folder, { recursive: true }))

  beforeEach(() => {
    owner = new SourceRecorder()
  })

  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close()))
    for (const child of children.splice(0)) child.kill('SIGKILL')
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  function fetch(
    url: string,
    options: FfmpegSourceOptions & { username?: string; password?: string; hasAudio?: boolean } = {},
  ): FfmpegSource {
    const { username = '', password = '', hasAudio = true, ...rest } = options
    const source = new FfmpegSource({
      address: { url, username, password, hasAudio },
      clock: systemClock,
      events: owner,
      options: {
        retryMs: [200],
        loginGate: new LoginGate(systemClock),
        onBug: (error) => owner.bugs.push(error),
        ...rest,
        times: { tickMs: 50, ...rest.times },
      },
    })
    sources.push(source)
    source.start()
    return source
  }

  function serve(...options: string[]): ChildProcess {
    const child = spawn('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', ...options], {
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    children.push(child)
    return child
  }

  async function listen(respond: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(respond!)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`
  }

  const video = () => owner.samples.filter((sample) => sample.track === 0)

  it('plays a file at its own pace, again and again, with times that never turn back', async () => {
    const startMs = performance.now()
    fetch(pathToFileURL(at('aac.mp4')).href)

    await until(() => video().length >= 60, 'sixty frames of a clip of twenty-five', 20_000)

    assert.deepEqual(
      owner.tracks[0]?.map((track) => track.config.codec),
      ['h264', 'aac'],
    )
    assert.equal(owner.tracks[0]?.[0]?.clockHz, 90_000)
    assert.ok(performance.now() - startMs > 1500)
    assert.ok(video()[0]!.isKey)
    const steps = video().map((sample, i) => (i === 0 ? 3600 : sample.dtsTicks - video()[i - 1]!.dtsTicks))
    assert.ok(
      steps.slice(0, 25).every((step) => step === 3600),
      String(steps.slice(0, 25)),
    )
    assert.ok(steps.every((step) => step >= 0))
    assert.equal(owner.tracks.length, 1)
    assert.deepEqual(owner.bugs, [])
  })

  it('gives composition offsets that are not negative', async () => {
    fetch(pathToFileURL(at('bframes.mp4')).href)

    await until(() => video().length >= 20, 'frames')

    assert.ok(video().every((sample) => sample.ctsTicks >= 0))
    assert.ok(video().some((sample) => sample.ctsTicks > 0))
  })

  it('takes MPEG-TS over UDP, and makes AAC of sound that is not', async () => {
    const probe = createTcpServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => probe.once('listening', resolve))
    const { port } = probe.address() as AddressInfo
    probe.close()
    serve('-i', at('mp2.ts'), '-c', 'copy', '-f', 'mpegts', `udp://127.0.0.1:${port}?pkt_size=1316`)

    fetch(`udp://127.0.0.1:${port}`)

    await until(() => owner.samples.some((sample) => sample.track === 1) && video().length > 10, 'both tracks', 20_000)
    assert.deepEqual(
      owner.tracks[0]?.map((track) => track.config.codec),
      ['h264', 'aac'],
    )
    assert.deepEqual(owner.ends, [])
  })

  it('pulls RTMP', async () => {
    const probe = createTcpServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => probe.once('listening', resolve))
    const { port } = probe.address() as AddressInfo
    probe.close()
    serve('-i', at('aac.mp4'), '-c', 'copy', '-f', 'flv', '-listen', '1', `rtmp://127.0.0.1:${port}/live/x`)

    fetch(`rtmp://127.0.0.1:${port}/live/x`)

    await until(() => owner.samples.some((sample) => sample.track === 1) && video().length > 10, 'both tracks', 20_000)
  })

  it('takes MJPEG over HTTP, picture for picture, timed by arrival', async () => {
    const pictures = readdirSync(folder)
      .filter((name) => name.endsWith('.jpg'))
      .map((name) => readFileSync(at(name)))
    const url = await listen((request, response) => {
      if (request.headers.authorization !== `Basic ${Buffer.from('admin:p@ss:w/rd').toString('base64')}`) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="cam"' }).end()
        return
      }
      response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' })
      let i = 0
      const timer = setInterval(() => {
        const picture = pictures[i++ % pictures.length]!
        response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`)
        response.write(picture)
        response.write('\r\n')
      }, 100)
      response.on('close', () => clearInterval(timer))
    })

    fetch(url, { username: 'admin', password: 'p@ss:w/rd' })

    await until(() => video().length >= 15, 'pictures', 20_000)
    assert.deepEqual(
      owner.tracks[0]?.map((track) => track.config.codec),
      ['mjpeg'],
    )
    const known = new Set(pictures.map((picture) => picture.toString('base64')))
    assert.ok(video().every((sample) => sample.isKey && known.has(Buffer.from(sample.data).toString('base64'))))
    const last = video().at(-1)!
    const meanMs = (last.dtsTicks - video()[0]!.dtsTicks) / 90 / (video().length - 1)
    assert.ok(meanMs > 60 && meanMs < 250, `${meanMs} ms between pictures sent every 100 ms`)
  })

  it('names what failed, without the password', async () => {
    const refusing = await listen((_, response) => void response.writeHead(404).end())
    const cases: [url: string, fault: string, detail: RegExp][] = [
      [refusing, 'path', /: Server returned 404 Not Found$/],
      ['http://127.0.0.1:1/stream', 'connection', /: Connection refused$/],
      ['http://no-such-camera.invalid/stream', 'name-resolution', /resolve/i],
      [pathToFileURL(at('absent.mp4')).href, 'path', /: No such file or directory$/],
      [pathToFileURL(at('mpeg4.mp4')).href, 'codec', /: sends mpeg4, which is not supported$/],
    ]
    for (const [url, fault, detail] of cases) {
      owner = new SourceRecorder()
      const source = fetch(url, { username: 'admin', password: 'secret1' })

      await until(() => owner.ends.length === 1, `an end of ${url}`, 20_000)

      assert.equal(owner.ends[0]!.fault, fault, owner.ends[0]!.detail)
      assert.match(owner.ends[0]!.detail, detail)
      assert.ok(owner.ends[0]!.detail.startsWith(`${url}: `))
      assert.ok(!owner.ends[0]!.detail.includes('secret1'))
      await source.close()
    }
  })

  it('tries a refused login once in the gap', async () => {
    const tries: number[] = []
    const url = await listen((request, response) => {
      if (request.headers.authorization !== undefined) tries.push(performance.now())
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="cam"' }).end()
    })
    fetch(url, { username: 'admin', password: 'wrong-one', loginGate: new LoginGate(systemClock, 1500) })

    await until(() => tries.length >= 2, 'a second try', 20_000)

    assert.equal(owner.ends[0]?.fault, 'login')
    assert.ok(tries[1]! - tries[0]! >= 1500)
  })

  it('holds ffmpeg back, and loses nothing by it', async () => {
    const source = fetch(pathToFileURL(at('aac.mp4')).href, { times: { stallMs: 500 } })
    await until(() => video().length >= 5, 'frames')

    source.hold(true)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const held = owner.samples.length
    await new Promise((resolve) => setTimeout(resolve, 900))
    assert.equal(owner.samples.length, held)
    source.hold(false)

    await until(() => video().length >= 25, 'frames again')
    assert.deepEqual(owner.ends, [])
    const times = video().map((sample) => sample.dtsTicks)
    assert.ok(times.slice(0, 25).every((dtsTicks, i) => dtsTicks === i * 3600))
  })

  it('leaves no ffmpeg behind, even one that does not obey', async () => {
    const path = at('aac.mp4')
    const source = fetch(pathToFileURL(path).href, { times: { killMs: 300 } })
    await until(() => video().length >= 5, 'frames')
    const [pid] = ffmpegsWith(path)
    process.kill(pid!, 'SIGSTOP')

    await source.close()

    assert.deepEqual(ffmpegsWith(path), [])
  })

  it('closes at once while ffmpeg is being asked what it can do', async () => {
    const path = at('aac.mp4')
    const source = fetch(pathToFileURL(path).href)

    await source.close()

    assert.deepEqual(ffmpegsWith(path), [])
    assert.deepEqual(owner.ends, [])
  })

  it('ends a session in which nothing comes', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' })
      response.flushHeaders()
    })
    fetch(url, { times: { firstSampleMs: 600 } })

    await until(() => owner.ends.length === 1, 'an end')

    assert.equal(owner.ends[0]?.fault, 'silent')
  })

  it('ends a session when its owner says so, and one whose owner throws', async () => {
    const source = fetch(pathToFileURL(at('aac.mp4')).href)
    await until(() => video().length >= 5, 'frames')

    source.abandon({ fault: 'no-keyframe', detail: 'none for 30 s' })
    await until(() => owner.ends.length === 1 && owner.tracks.length === 2, 'a second session')
    owner.samples.push = () => {
      throw new Error('the sink broke')
    }

    await until(() => owner.ends.length === 2, 'a second end')
    assert.deepEqual(
      owner.ends.map((end) => end.fault),
      ['no-keyframe', 'source-failed'],
    )
    assert.match(String(owner.bugs[0]), /the sink broke/)
  })
})

/** Processes of ours that have `path` on their command line. */
function ffmpegsWith(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(path)
      } catch {
        return false
      }
    })
    .map(Number)
}
