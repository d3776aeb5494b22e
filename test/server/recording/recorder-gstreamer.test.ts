import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readSegment } from '../../support/recorded-stream.ts'
import { RecorderUnderTest } from '../../support/recorder-under-test.ts'
import { decodedFrames } from '../../support/recording-rig.ts'
import { until } from '../../support/source-recorder.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

/** A clip of eight seconds at 25 frames a second, with sound. */
function makeClip(path: string, ...coder: string[]): void {
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=8'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=16000:duration=8'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-keyint_min', '25', ...coder],
    ...['-c:a', 'aac', '-b:a', '32k', '-ac', '1', path],
  ])
}

describe('recorder and GStreamer’s RTSP server', () => {
  const servers: ChildProcess[] = []

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.stdin!.end()
      if (server.exitCode === null) await once(server, 'exit')
    }
  })

  /** Serves a clip from its start to whoever asks first; gives its address. */
  async function serve(...args: string[]): Promise<string> {
    const program = join(import.meta.dirname, '../../support/gst-rtsp-server.py')
    const server = spawn('/usr/bin/python3', [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    servers.push(server)
    const [port] = (await once(server.stdout!, 'data')) as [Buffer]
    return `rtsp://127.0.0.1:${port.toString().trim()}/live`
  }

  it('records picture and sound that decode without a complaint', async () => {
    const folder = makeTestFolder()
    const paths = [join(folder, 'plain.mp4'), join(folder, 'reordered.mp4')] as const
    makeClip(paths[0])
    makeClip(paths[1], '-bf', '2', '-x264-params', 'b-adapt=0:scenecut=0')
    const urls = await Promise.all(paths.map((path) => serve(path, 'sound')))
    const recorder = await RecorderUnderTest.start({ segmentSec: 3 })
    recorder.record(urls)
    const closed = (camera: number) => recorder.eventsOf('segment-closed', camera).length
    await until(() => closed(0) >= 2 && closed(1) >= 2, 'two segments of both', 25_000)
    await recorder.stop()

    for (const camera of [0, 1]) {
      const rows = recorder.eventsOf('segment-closed', camera).map(({ row }) => row)
      for (const [i, path] of recorder.files(camera).slice(0, 2).entries()) {
        const { video, audio } = readSegment(path)
        assert.deepEqual(decodedFrames(path), { frames: video.length, complaints: '' })
        assert.equal(video.length, rows[i]!.videoSamples)
        const seconds = (rows[i]!.endUs - rows[i]!.startUs) / 1e6
        assert.ok(Math.abs(video.length / seconds - 25) < 3, `${video.length} frames in ${seconds} s`)
        assert.ok(Math.abs(audio.length / seconds - 16_000 / 1024) < 3, `${audio.length} units in ${seconds} s`)
        const shown = video.map(({ utcUs }) => utcUs)
        assert.ok(Math.max(...shown) - Math.min(...shown) <= seconds * 1e6 + 200_000)
      }
    }
    const reordered = recorder.files(1).flatMap((path) => readSegment(path).video)
    assert.ok(reordered.some(({ ctsTicks }) => ctsTicks > 3600))
    assert.ok(reordered.every(({ ctsTicks }) => ctsTicks >= 0))
  })

  it('logs in by a digest', async () => {
    const path = join(makeTestFolder(), 'clip.mp4')
    makeClip(path)
    const url = await serve(path, 'admin', 'open sesame', 'md5')
    const recorder = await RecorderUnderTest.start()
    recorder.record([url], { username: 'admin', password: 'open sesame' })

    await recorder.untilRecording(0)

    await recorder.stop()
    assert.ok(!recorder.log().includes('open sesame'))
  })
})
