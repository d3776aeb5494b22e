import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { get } from 'node:http'
import onvif from 'onvif'
import { DiscoveryResponder } from '../../../scripts/cameras/discovery-responder.ts'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { startSmallCameras, withSmallCameras } from './test-farm.ts'

/** What is used of the package's profiles, which its types leave open. */
interface OnvifProfile {
  $: { token: string }
  videoEncoderConfiguration: { encoding: string }
}

interface Found {
  model: string
  profiles: string[]
  streamUri: string
  snapshotUri: string
}

/** What the `onvif` package finds out about a camera. */
function explore(options: object): Promise<Found> {
  return new Promise((resolve, reject) => {
    const cam = new onvif.Cam({ timeout: 5000, ...options } as never, (error: Error | null) => {
      if (error) return reject(error)
      cam.getDeviceInformation((informationError, information) => {
        if (informationError) return reject(informationError)
        cam.getStreamUri({ protocol: 'RTSP' } as never, (streamError, stream) => {
          if (streamError) return reject(streamError)
          cam.getSnapshotUri({} as never, (snapshotError, snapshot) => {
            if (snapshotError) return reject(snapshotError)
            const profiles = (cam as unknown as { profiles: OnvifProfile[] }).profiles
            resolve({
              model: (information as { model: string }).model,
              profiles: profiles.map((one) => `${one.$.token} ${one.videoEncoderConfiguration.encoding}`),
              streamUri: (stream as { uri: string }).uri,
              snapshotUri: (snapshot as { uri: string }).uri,
            })
          })
        })
      })
    })
  })
}

describe('simulated camera over ONVIF', () => {
  let farm: CameraFarm
  const login = { username: 'admin', password: 'secret' }

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({
      auth: 'digest-both',
      password: login.password,
      cameras: [
        {
          name: 'cam1',
          streams: [
            { name: 'main', clip: 'h265', audio: 'aac' },
            { name: 'sub', clip: 'sub' },
          ],
        },
      ],
    })
  })
  after(() => farm.close())

  it('tells the onvif package its profiles and addresses', async () => {
    const found = await explore({ ...farm.onvif(0), ...login })

    assert.deepEqual(found, {
      model: 'Simulated camera',
      profiles: ['main H265', 'sub H264'],
      streamUri: farm.rtspUrl(0),
      snapshotUri: `${farm.httpUrl(0)}/snapshot.jpg?stream=main`,
    })
  })

  it('takes HTTP digest in place of a user name token', async () => {
    const found = await explore({ ...farm.onvif(0), ...login, useWSSecurity: false })

    assert.equal(found.streamUri, farm.rtspUrl(0))
  })

  it('refuses a wrong password either way', async () => {
    const wrong = { ...farm.onvif(0), username: 'admin', password: 'guess' }

    await assert.rejects(() => explore(wrong), /Sender not authorized/)
    await assert.rejects(() => explore({ ...wrong, useWSSecurity: false }), /Digest authentication failed/)
  })

  it('asks who it is before it says what it cannot do', async () => {
    const { hostname, port, path } = farm.onvif(0)
    const body =
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>' +
      '<Reboot xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
    const answer = await fetch(`http://${hostname}:${port}${path}`, { method: 'POST', body })

    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('www-authenticate')!.split('Digest').length, 3)
  })
})

describe('discovery of simulated cameras', () => {
  it('answers a probe with each camera that is well', async function () {
    this.timeout(60_000)
    await withSmallCameras({ cameras: 3 }, async (farm) => {
      farm.fault('cam2', { mute: true })
      const responder = await DiscoveryResponder.open('127.0.0.1', farm.cameras, ({ name }) => `http://${name}/x`, 0)
      const socket = createSocket('udp4')
      const found: string[] = []
      socket.on('message', (message) => found.push(message.toString()))
      socket.send(
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
          ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing">' +
          '<s:Header><w:MessageID>urn:uuid:1234</w:MessageID></s:Header><s:Body>' +
          '<Probe xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery"/></s:Body></s:Envelope>',
        responder.port,
        '127.0.0.1',
      )
      while (found.length < 2) await once(socket, 'message')
      socket.close()
      await responder.close()

      assert.deepEqual(found.map((xml) => /<d:XAddrs>(.*)<\/d:XAddrs>/.exec(xml)![1]).sort(), [
        'http://cam1/x',
        'http://cam3/x',
      ])
      for (const xml of found) assert.match(xml, /<a:RelatesTo>urn:uuid:1234<\/a:RelatesTo>/)
    })
  })
})

describe('pictures of a simulated camera over HTTP', () => {
  let farm: CameraFarm

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras()
  })
  after(() => farm.close())

  it('are a snapshot of each stream', async () => {
    for (const stream of ['main', 'sub']) {
      const answer = await fetch(`${farm.httpUrl(0)}/snapshot.jpg?stream=${stream}`)
      const jpeg = Buffer.from(await answer.arrayBuffer())

      assert.equal(answer.headers.get('content-type'), 'image/jpeg')
      assert.deepEqual([...jpeg.subarray(0, 2), ...jpeg.subarray(-2)], [0xff, 0xd8, 0xff, 0xd9])
    }
    assert.equal((await fetch(`${farm.httpUrl(0)}/snapshot.jpg?stream=attic`)).status, 404)
  })

  it('come one after the other as multipart', async () => {
    const request = get(`${farm.httpUrl(0)}/mjpeg`)
    const [response] = await once(request, 'response')
    let text = ''
    for await (const chunk of response) {
      text += chunk.toString('latin1')
      if (text.split('--nightjar-camera\r\n').length > 4) break
    }

    assert.match(response.headers['content-type'], /^multipart\/x-mixed-replace; boundary=nightjar-camera$/)
    const [, head = '', picture = ''] = /--nightjar-camera\r\n(.*?)\r\n\r\n(.*?)\r\n--nightjar-camera/s.exec(text)!
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)![1]), picture.length)
    assert.ok(picture.startsWith('\xff\xd8'))
  })
})
