import assert from 'node:assert/strict'
import { readBlockCode } from '../../../scripts/cameras/block-code.ts'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { RtspPeer, timestampOf } from './rtsp-peer.ts'
import { CLIP_FRAMES, run, startSmallCameras, withSmallCameras } from './test-farm.ts'

const TCP = ['-rtsp_transport', 'tcp', '-analyzeduration', '1000000']

/** Codec names of a stream's tracks, as ffprobe finds them. */
async function probe(url: string): Promise<string[]> {
  const entries = ['-show_entries', 'stream=codec_name', '-of', 'csv=p=0']
  return (await run('ffprobe', ['-v', 'error', ...TCP, ...entries, url])).toString().trim().split(/\s+/)
}

/** Numbers drawn into `count` pictures of a stream, as ffmpeg decodes them. */
async function readNumbers(url: string, count: number, widthPx: number, heightPx: number): Promise<unknown[]> {
  const output = ['-map', '0:v', '-frames:v', String(count), '-fps_mode', 'passthrough']
  const grey = await run('ffmpeg', [
    '-v',
    'error',
    ...TCP,
    '-i',
    url,
    ...output,
    '-pix_fmt',
    'gray',
    '-f',
    'rawvideo',
    '-',
  ])
  const sizeBytes = widthPx * heightPx
  return Array.from({ length: grey.length / sizeBytes }, (_, i) => {
    return readBlockCode(grey.subarray(i * sizeBytes, (i + 1) * sizeBytes), widthPx, heightPx)
  })
}

describe('media of a simulated camera', () => {
  let farm: CameraFarm

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({
      cameras: [
        {
          name: 'cam1',
          streams: [
            { name: 'h264', clip: 'main', audio: 'aac', metadata: true },
            { name: 'bframes', clip: 'bframes', audio: 'pcmu' },
            { name: 'h265', clip: 'h265', audio: 'pcma' },
            { name: 'mjpeg', clip: 'mjpeg' },
          ],
        },
      ],
    })
  })
  after(() => farm.close())

  for (const [stream, codecs] of [
    ['h264', ['h264', 'aac']],
    ['bframes', ['h264', 'pcm_mulaw']],
    ['h265', ['hevc', 'pcm_alaw']],
    ['mjpeg', ['mjpeg']],
  ] as const) {
    it(`is understood by ffprobe and decoded whole by ffmpeg: ${stream}`, async () => {
      const url = farm.rtspUrl('cam1', stream)

      const [found, numbers] = await Promise.all([probe(url), readNumbers(url, 30, 320, 192)])

      assert.deepEqual(found.slice(0, codecs.length), codecs)
      assert.equal(numbers.length, 30)
      numbers.forEach((number, i) => {
        assert.equal(number, ((numbers[0] as number) + i) % CLIP_FRAMES, `picture ${i} of ${numbers}`)
      })
    })
  }

  it('has presentation times in RTP where there are B-frames, and sends in decode order', async () => {
    const peer = new RtspPeer(farm.rtspPort)
    await peer.play(farm.rtspUrl('cam1', 'bframes'))
    await peer.until(() => new Set(peer.rtp(0).map(timestampOf)).size > 20)
    peer.close()

    const stamps = [...new Set(peer.rtp(0).map(timestampOf))].map((stamp) => (stamp - timestampOf(peer.rtp(0)[0]!)) | 0)
    const inOrder = stamps.toSorted((a, b) => a - b)
    assert.notDeepEqual(stamps, inOrder)
    assert.equal(stamps[1], 3 * 3600) // the P-frame two B-frames lean on
    assert.equal(stamps[2], 3600)
    assert.deepEqual(
      inOrder.slice(0, 16),
      Array.from({ length: 16 }, (_, i) => i * 3600),
    )
  })

  it('sends sound without a gap across the loop', async () => {
    const peer = new RtspPeer(farm.rtspPort)
    await peer.play(farm.rtspUrl('cam1', 'h264'), 2)
    await peer.until(() => peer.rtp(2).length > 25)
    peer.close()

    const stamps = peer.rtp(2).map(timestampOf)
    stamps.forEach((stamp, i) => {
      assert.equal((stamp - stamps[0]!) | 0, 1024 * i)
    })
  })

  it('carries ONVIF metadata as XML documents', async () => {
    const peer = new RtspPeer(farm.rtspPort)
    await peer.play(farm.rtspUrl('cam1', 'h264'), 3)
    await peer.until(() => peer.rtp(4).length > 0)
    peer.close()

    assert.match(peer.rtp(4)[0]!.toString('utf8', 12), /^<\?xml .*<tt:MetadataStream .*<\/tt:MetadataStream>$/)
  })
})

describe('clip of an hour', () => {
  it('shows the minute within the hour it is played in', async function () {
    this.timeout(60_000)
    const hour = { widthPx: 192, heightPx: 108, fps: 1, gopFrames: 1, bitrateKbps: 100 }
    const cameras = [{ name: 'cam1', streams: [{ name: 'hour', clip: 'hour' }] }]
    await withSmallCameras({ cameras, clips: { hour } }, async (farm) => {
      const secondOfHour = Math.floor(Date.now() / 1000) % 3600

      const [shown] = (await readNumbers(farm.rtspUrl(0), 1, 192, 108)) as number[]

      const laterSec = (shown! - secondOfHour + 3600) % 3600
      assert.ok(laterSec < 30, `the picture says ${shown} s past the hour, the clock ${secondOfHour} s`)
    })
  })
})
