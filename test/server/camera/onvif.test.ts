import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import { probeOnvif, requestKeyframe } from '../../../server/camera/onvif.ts'
import { elementText, reachableUrl } from '../../../server/camera/onvif-conversation.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'

/** What a device answers to an action, as the body of a SOAP envelope; undefined for a fault. */
type Answers = (action: string, message: string) => string | undefined

describe('ONVIF', function () {
  this.timeout(60_000)
  let farm: CameraFarm
  let servers: Server[] = []
  const login = { username: 'admin', password: 'secret' }
  const options = () => ({ loginGate: new LoginGate(systemClock), timeoutMs: 2000, deadlineMs: 8000 })

  before(async () => {
    const streams = [
      { name: 'main', clip: 'main', audio: 'aac' as const },
      { name: 'hevc', clip: 'h265' },
    ]
    farm = await startSmallCameras({
      cameras: [
        { name: 'cam1', streams, auth: 'digest' },
        { name: 'cam2', streams, auth: 'none' },
      ],
      ...login,
      user: login.username,
      portPerCamera: true,
    })
  })
  after(() => farm.close())
  afterEach(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    servers = []
  })

  async function listen(handler: Parameters<typeof createServer>[1]): Promise<number> {
    const server = createServer(handler!)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  /** A device at an inner address that nobody can reach from here. */
  async function device(answers: Answers): Promise<{ port: number; actions: string[] }> {
    const actions: string[] = []
    const known: Answers = (action) => {
      if (action === 'GetSystemDateAndTime') {
        const date = '<Date><Year>2001</Year><Month>2</Month><Day>3</Day></Date>'
        const time = '<Time><Hour>4</Hour><Minute>5</Minute><Second>6</Second></Time>'
        return (
          '<GetSystemDateAndTimeResponse><SystemDateAndTime><DateTimeType>Manual</DateTimeType>' +
          `<UTCDateTime>${time}${date}</UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`
        )
      }
      if (action === 'GetDeviceInformation') {
        return (
          '<t:GetDeviceInformationResponse xmlns:t="x"><t:Manufacturer>A &amp; B</t:Manufacturer><t:Model>M1</t:Model>' +
          '<t:FirmwareVersion>1.0</t:FirmwareVersion><t:SerialNumber>0077</t:SerialNumber></t:GetDeviceInformationResponse>'
        )
      }
      if (action === 'GetServices') {
        const service = (kind: string): string =>
          `<Service><Namespace>http://www.onvif.org/ver10/${kind}/wsdl</Namespace>` +
          `<XAddr>http://192.0.2.1/onvif/${kind}</XAddr><Version><Major>2</Major><Minor>0</Minor></Version></Service>`
        return `<GetServicesResponse>${service('device')}${service('media')}</GetServicesResponse>`
      }
      if (action === 'GetProfiles') {
        return '<GetProfilesResponse><Profiles token="P1"><Name>7</Name></Profiles><Profiles token="P2"><Name>Sub</Name></Profiles></GetProfilesResponse>'
      }
      if (action === 'GetVideoSources') return '<GetVideoSourcesResponse/>'
      return undefined
    }
    const port = await listen((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const message = Buffer.concat(chunks).toString()
        const action = /<s:Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(message)?.[1] ?? ''
        actions.push(action)
        const body = answers(action, message) ?? known(action, message)
        const fault =
          '<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>'
        response.writeHead(body === undefined ? 400 : 200, { 'Content-Type': 'application/soap+xml' })
        response.end(
          `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${body ?? fault}</s:Body></s:Envelope>`,
        )
      })
    })
    return { port, actions }
  }

  const streamUri: Answers = (action, message) => {
    if (action !== 'GetStreamUri') return undefined
    const token = /P\d/.exec(message)?.[0]
    return `<GetStreamUriResponse><MediaUri><Uri>rtsp://admin:pw@192.0.2.1:8554/${token}?x=1</Uri></MediaUri></GetStreamUriResponse>`
  }

  it('describes a device that wants Digest, and its profiles', async () => {
    const { port } = farm.onvif('cam1')

    const probe = await probeOnvif({ host: '127.0.0.1', port, ...login }, options())

    assert.ok(probe.isReachable, JSON.stringify(probe))
    assert.deepEqual(
      [probe.brand, probe.model, probe.firmware, probe.serial],
      ['Nightjar', 'Simulated camera', '1.0', 'cam1'],
    )
    assert.deepEqual(
      probe.profiles.map(({ token, videoCodec, widthPx, heightPx, fps, streamUrl }) => ({
        token,
        videoCodec,
        widthPx,
        heightPx,
        fps,
        streamUrl,
      })),
      [
        {
          token: 'main',
          videoCodec: 'H264',
          widthPx: 320,
          heightPx: 192,
          fps: 25,
          streamUrl: farm.rtspUrl('cam1', 'main'),
        },
        {
          token: 'hevc',
          videoCodec: 'H265',
          widthPx: 320,
          heightPx: 192,
          fps: 25,
          streamUrl: farm.rtspUrl('cam1', 'hevc'),
        },
      ],
    )
    assert.match(probe.profiles[0]!.snapshotUrl!, /snapshot\.jpg/)
  })

  it('needs no login where the device asks for none', async () => {
    const probe = await probeOnvif(
      { host: '127.0.0.1', port: farm.onvif('cam2').port, username: '', password: '' },
      options(),
    )

    assert.ok(probe.isReachable)
    assert.equal(probe.profiles.length, 2)
  })

  it('tells a wrong password from the rest, and does not knock again at once', async () => {
    const { port } = farm.onvif('cam1')
    const shared = options()
    const wrong = { host: '127.0.0.1', port, username: 'admin', password: 'not-it' }

    const first = await probeOnvif(wrong, shared)
    const second = await probeOnvif(wrong, shared)

    assert.deepEqual(first, {
      isReachable: false,
      fault: 'login',
      detail: `127.0.0.1 port ${port}: the user name or the password is refused`,
    })
    assert.ok(!second.isReachable)
    assert.match(second.detail, /not tried again yet$/)
  })

  it('rewrites addresses to the host asked, without the device’s own login, and keeps a version a text', async () => {
    const { port } = await device(streamUri)

    const probe = await probeOnvif({ host: '127.0.0.1', port, username: '', password: '' }, options())

    assert.ok(probe.isReachable, JSON.stringify(probe))
    assert.deepEqual([probe.brand, probe.firmware, probe.serial], ['A & B', '1.0', '0077'])
    assert.deepEqual(
      probe.profiles.map(({ name, streamUrl, snapshotUrl }) => [name, streamUrl, snapshotUrl]),
      [
        ['7', 'rtsp://127.0.0.1:8554/P1?x=1', undefined],
        ['Sub', 'rtsp://127.0.0.1:8554/P2?x=1', undefined],
      ],
    )
  })

  it('wishes for a keyframe of the profile whose stream it is', async () => {
    const wished: string[] = []
    const { port } = await device((action, message) => {
      if (action !== 'SetSynchronizationPoint') return streamUri(action, message)
      wished.push(/P\d/.exec(message)![0])
      return '<SetSynchronizationPointResponse/>'
    })
    const request = { host: '127.0.0.1', port, username: '', password: '' }

    const isTaken = await requestKeyframe({ ...request, streamUrl: 'rtsp://cam:554/P2?x=1' }, options())

    assert.equal(isTaken, true)
    assert.deepEqual(wished, ['P2'])
    assert.equal(await requestKeyframe({ ...request, port: 1, streamUrl: 'rtsp://cam/P2' }, options()), false)
  })

  it('survives answers that are nothing like ONVIF', async () => {
    const junk: [what: string, answers: Answers][] = [
      ['an empty body', () => ''],
      ['another element', () => '<Surprise/>'],
      ['a stream address without one', (action) => (action === 'GetStreamUri' ? '<GetStreamUriResponse/>' : undefined)],
      [
        'services without addresses',
        (action) => (action === 'GetServices' ? '<GetServicesResponse><Service/></GetServicesResponse>' : undefined),
      ],
      ['broken XML', () => '<a><b></a>'],
      [
        'profiles that are text',
        (action) => (action === 'GetProfiles' ? '<GetProfilesResponse>x</GetProfilesResponse>' : undefined),
      ],
    ]
    for (const [what, answers] of junk) {
      const { port } = await device(answers)

      const probe = await probeOnvif({ host: '127.0.0.1', port, username: '', password: '' }, options())

      assert.ok(probe.isReachable || probe.fault === 'protocol', `${what}: ${JSON.stringify(probe)}`)
    }
  })

  it('names what is not there', async () => {
    const silent = await listen(() => undefined)
    const page = await listen((_, response) => void response.end('<html><body>Router</body></html>'))
    const cases: [host: string, port: number, fault: string, detail: RegExp][] = [
      ['no-such-camera.invalid', 80, 'name-resolution', /no-such-camera\.invalid port 80: resolve/],
      ['127.0.0.1', 1, 'connection', /^127\.0\.0\.1 port 1: connection refused$/],
      ['127.0.0.1', silent, 'connection', /no answer$/],
      ['127.0.0.1', page, 'protocol', /does not speak ONVIF/],
    ]
    for (const [host, port, fault, detail] of cases) {
      const probe = await probeOnvif({ host, port, username: '', password: '' }, { ...options(), timeoutMs: 500 })

      assert.ok(!probe.isReachable)
      assert.equal(probe.fault, fault, probe.detail)
      assert.match(probe.detail, detail)
    }
  })

  it('gives up in time with a device that answers drop by drop', async () => {
    const port = await listen((_, response) => {
      response.write('<')
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
    })

    const probe = await probeOnvif(
      { host: '127.0.0.1', port, username: '', password: '' },
      { ...options(), deadlineMs: 700 },
    )

    assert.deepEqual(probe, {
      isReachable: false,
      fault: 'connection',
      detail: `127.0.0.1 port ${port}: not done within 0.7 s`,
    })
  })

  it('reads addresses and elements as devices write them', () => {
    assert.equal(reachableUrl('rtsp://[fe80::9]/a', 'fe80::1'), 'rtsp://[fe80::1]/a')
    assert.equal(reachableUrl('rtsp://u:p@cam:554', '10.0.0.5'), 'rtsp://10.0.0.5:554')
    assert.equal(reachableUrl('nonsense', '10.0.0.5'), undefined)
    assert.equal(elementText('<tds:Model a="b"> X&lt;1 </tds:Model>', 'Model'), 'X<1')
    assert.equal(elementText('<Models>no</Models>', 'Model'), '')
  })
})
