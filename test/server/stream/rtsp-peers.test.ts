// Our RTSP client against servers that are not ours: GStreamer's, and the simulated cameras, with what goes wrong with them.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { H264Depacketizer } from '../../../server/media/rtp/h264-depacketizer.ts'
import type { RtspSource, RtspSourceOptions } from '../../../server/stream/rtsp-source.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import { SourceRecorder, testRtspSource, until } from '../../support/source-recorder.ts'

describe('RTSP source and other peers', function () {
  this.timeout(60_000)
  const sources: RtspSource[] = []
  let owner: SourceRecorder

  beforeEach(() => {
    owner = new SourceRecorder()
  })
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close()))
  })

  function fetch(url: string, options: RtspSourceOptions & { username?: string; password?: string } = {}): RtspSource {
    const source = testRtspSource(url, owner, {
      ...options,
      times: { stallMs: 1500, firstPacketMs: 5000, requestMs: 5000, describeMs: 5000, ...options.times },
    })
    sources.push(source)
    source.start()
    return source
  }

  const codecs = () => owner.tracks[0]?.map((track) => track.config.codec)
  const isUnbroken = () =>
    owner.sequences.every((sequence, i) => i === 0 || sequence === ((owner.sequences[i - 1]! + 1) & 0xffff))

  describe('GStreamer', () => {
    const children: ChildProcess[] = []
    let folder: string
    let clip: string

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'nightjar-gst-'))
      clip = join(folder, 'clip.mp4')
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
      const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '0', '-c:a', 'aac']
      execFileSync('ffmpeg', ['-v', 'error', ...input, '-t', '20', ...codecs, clip])
    })
    after(() => rmSync(folder, { recursive: true }))
    afterEach(() => {
      for (const child of children.splice(0)) child.kill('SIGKILL')
    })

    async function serve(...parameters: string[]): Promise<string> {
      const script = join(import.meta.dirname, '../../support/gst-rtsp-server.py')
      const child = spawn('/usr/bin/python3', [script, clip, ...parameters], { stdio: ['pipe', 'pipe', 'ignore'] })
      children.push(child)
      const port = await new Promise<string>((resolve, reject) => {
        child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()))
        child.once('exit', () => reject(new Error('GStreamer did not start')))
      })
      return `rtsp://127.0.0.1:${port}/live`
    }

    it('sends picture and sound, every packet of it', async () => {
      const url = await serve('sound')
      fetch(url)

      await until(() => owner.rtpPackets > 100 && owner.rtcpPackets > 0, 'packets and reports', 20_000)

      assert.deepEqual(codecs(), ['h264', 'aac'])
      assert.ok(isUnbroken())
      assert.deepEqual(owner.ends, [])
    })

    for (const method of ['basic', 'md5']) {
      it(`takes our login by ${method}, and refuses a wrong one`, async () => {
        const url = await serve('viewer', 'p4ss:word', method)
        const right = fetch(url, { username: 'viewer', password: 'p4ss:word' })
        await until(() => owner.rtpPackets > 10, 'packets', 20_000)
        await right.close()

        owner = new SourceRecorder()
        fetch(url, { username: 'viewer', password: 'wrong-one' })

        await until(() => owner.ends.length > 0, 'an end', 20_000)
        assert.equal(owner.ends[0]?.fault, 'login')
      })
    }

    it('is told apart where it sends by UDP only', async () => {
      const url = await serve('udp')
      fetch(url)

      await until(() => owner.ends.length > 0, 'an end', 20_000)

      assert.equal(owner.ends[0]?.fault, 'udp-only', owner.ends[0]?.detail)
    })
  })

  describe('simulated cameras', () => {
    let farm: CameraFarm
    const login = { username: 'admin', password: 'secret' }

    before(async () => {
      farm = await startSmallCameras({
        cameras: [
          {
            name: 'cam1',
            streams: [
              { name: 'main', clip: 'main', audio: 'aac', metadata: true },
              { name: 'hevc', clip: 'h265', audio: 'pcma' },
              { name: 'mjpeg', clip: 'mjpeg' },
            ],
          },
        ],
        auth: 'digest-both',
        user: login.username,
        password: login.password,
        rtspsPort: 0,
        portPerCamera: true,
      })
    })
    after(() => farm.close())
    afterEach(() => farm.fault('cam1', null))

    it('send every track they have', async () => {
      for (const [stream, expected] of [
        ['main', ['h264', 'aac', 'onvif-metadata']],
        ['hevc', ['h265', 'pcma']],
        ['mjpeg', ['mjpeg']],
      ] as const) {
        owner = new SourceRecorder()
        const source = fetch(farm.rtspUrl('cam1', stream), login)
        await until(() => owner.rtpPackets > 100, `packets of ${stream}`)

        assert.deepEqual(codecs(), [...expected])
        assert.ok(isUnbroken())
        await source.close()
      }
    })

    it('send over TLS too', async () => {
      fetch(farm.rtspsUrl('cam1', 'main'), login)

      await until(() => owner.rtpPackets > 200, 'packets')

      assert.ok(isUnbroken())
    })

    it('that go on after garbage and lies lose no more than the packet that was hit', async () => {
      fetch(farm.rtspUrl('cam1', 'main'), login)
      await until(() => owner.rtpPackets > 50, 'packets')

      for (const wish of [{ garbageBytes: 3000 }, { garbageInsideBytes: 200 }, { lieBytes: 7 }, { lieBytes: -9 }]) {
        farm.fault('cam1', wish)
        const { length } = owner.sequences
        await until(() => owner.sequences.length > length + 60, 'packets')
      }

      assert.deepEqual(owner.ends, [])
      const missing = owner.sequences.reduce(
        (sum, sequence, i) => sum + (i === 0 ? 0 : (sequence - owner.sequences[i - 1]! - 1) & 0xffff),
        0,
      )
      assert.ok(missing <= 12, `${missing} packets are missing`)
    })

    it('that are cut in mid packet are back at once, with both tracks', async () => {
      for (const cut of ['packet', 'reset'] as const) {
        owner = new SourceRecorder()
        const tracksSeen = new Set<string>()
        const source = fetch(farm.rtspUrl('cam1', 'main'), login)
        await until(() => owner.rtpPackets > 20, 'packets')
        owner.onRtp = (track) => tracksSeen.add(`${owner.tracks.length}:${track}`)

        farm.fault('cam1', { cut })

        await until(() => tracksSeen.has('2:0') && tracksSeen.has('2:1'), 'both tracks again')
        assert.equal(owner.ends[0]?.fault, 'closed-by-camera')
        await source.close()
      }
    })

    it('that stall are seen, and are back when they send again', async () => {
      fetch(farm.rtspUrl('cam1', 'main'), { ...login, times: { stallMs: 400, firstPacketMs: 400 } })
      await until(() => owner.rtpPackets > 20, 'packets')

      farm.fault('cam1', { stall: true })
      await until(() => owner.ends.length > 0, 'a stall')
      assert.equal(owner.ends[0]?.fault, 'silent')
      farm.fault('cam1', null)

      const before = owner.rtpPackets
      await until(() => owner.rtpPackets > before + 20, 'packets again')
    })

    it('that refuse connections for a while are back when they take them', async () => {
      fetch(farm.rtspUrl('cam1', 'main'), login)
      await until(() => owner.rtpPackets > 20, 'packets')

      farm.fault('cam1', { refuse: true })
      await until(() => owner.ends.some((end) => end.fault === 'connection'), 'a refused connection')
      farm.fault('cam1', null)

      const { length } = owner.tracks
      await until(() => owner.tracks.length > length, 'another session')
    })

    it('give frames that are whole: their NAL units come through as they were sent', async () => {
      const bytes = new Uint8Array(4 * 1024 * 1024)
      const frames: { isKey: boolean; sizeBytes: number }[] = []
      // The smallest writer that a depacketizer can have.
      const writer = {
        bytes,
        at: 2_000_000,
        frameStart: 2_000_000,
        beginFrame: () => {
          writer.at = writer.frameStart
        },
        room: () => true,
        append: (start: number, end: number) => {
          bytes.copyWithin(writer.at, start, end)
          writer.at += end - start
        },
        endFrame: (isKey: boolean) => void frames.push({ isKey, sizeBytes: writer.at - writer.frameStart }),
        abandonFrame: () => assert.fail('a frame is damaged'),
        parameterSet: () => undefined,
      }
      const depacketizer = new H264Depacketizer(writer)
      owner.onRtp = (track, from, start, end) => {
        if (track !== 0) return
        bytes.set(from.subarray(start, end), 0)
        const ticks = new DataView(bytes.buffer).getUint32(4)
        depacketizer.payload(bytes, 12, end - start, ticks, (bytes[1]! & 0x80) !== 0, false)
      }

      fetch(farm.rtspUrl('cam1', 'main'), login)

      await until(() => frames.length > 60, 'frames')
      assert.ok(frames[0]!.isKey)
      assert.deepEqual(
        frames.slice(0, 51).flatMap(({ isKey }, i) => (isKey ? [i] : [])),
        [0, 25, 50],
      )
    })
  })
})
