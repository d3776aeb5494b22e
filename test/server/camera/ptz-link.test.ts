import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import type { PtzCommand } from '../../../server/camera/ptz-conversation.ts'
import { PtzLink } from '../../../server/camera/ptz-link.ts'

/** What a device answers to an action, as the body of a SOAP envelope; a fault's reason after `!`, `?` for no answer. */
type Answers = (action: string, message: string) => string | undefined

const right: PtzCommand = { what: 'move', pan: 1, tilt: 0, zoom: 0, parts: 'pan-tilt' }

describe('the way to a camera that is turned', function () {
  this.timeout(30_000)
  let servers: Server[] = []
  let links: PtzLink[] = []

  afterEach(() => {
    for (const link of links) link.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    links = []
    servers = []
  })

  const known: Answers = (action) => {
    const service = (kind: string): string =>
      `<Service><Namespace>http://www.onvif.org/${kind}/wsdl</Namespace><XAddr>http://192.0.2.1/${kind}</XAddr></Service>`
    const profile = (token: string, nodeToken: string): string =>
      `<Profiles token="${token}"><Name>n</Name><PTZConfiguration token="c"><NodeToken>${nodeToken}</NodeToken>` +
      '</PTZConfiguration></Profiles>'
    const range = (axis: string): string => `<${axis}><Min>-1</Min><Max>1</Max></${axis}>`
    const date =
      '<UTCDateTime><Time><Hour>4</Hour><Minute>5</Minute><Second>6</Second></Time>' +
      '<Date><Year>2001</Year><Month>2</Month><Day>3</Day></Date></UTCDateTime>'
    const pan = `<ContinuousPanTiltVelocitySpace>${range('XRange')}${range('YRange')}</ContinuousPanTiltVelocitySpace>`
    const node = (token: string): string => `<PTZNode token="${token}">${pan}</PTZNode>`
    return {
      GetSystemDateAndTime: `<GetSystemDateAndTimeResponse><SystemDateAndTime>${date}</SystemDateAndTime></GetSystemDateAndTimeResponse>`,
      GetDeviceInformation: '<GetDeviceInformationResponse/>',
      GetServices: `<GetServicesResponse>${['ver10/device', 'ver10/media', 'ver20/ptz'].map(service).join('')}</GetServicesResponse>`,
      GetProfiles: `<GetProfilesResponse>${profile('P1', 'A')}${profile('P2', 'B')}</GetProfilesResponse>`,
      GetVideoSources: '<GetVideoSourcesResponse/>',
      GetNodes: `<GetNodesResponse>${node('A')}${node('B')}</GetNodesResponse>`,
      ContinuousMove: '<ContinuousMoveResponse/>',
      Stop: '<StopResponse/>',
    }[action]
  }

  /** Opens a way to a device, whose second stream it is to turn. Gives all it was sent after that. */
  async function open(answers: Answers, deadlineMs = 8000) {
    const messages: string[] = []
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const message = Buffer.concat(chunks).toString()
        const action = /<s:Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(message)?.[1] ?? ''
        messages.push(message)
        const body = answers(action, message) ?? known(action, message) ?? '!no'
        if (body === '?') return
        const text = `<s:Text xml:lang="en">${body.slice(1)}</s:Text>`
        const fault = `<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason>${text}</s:Reason></s:Fault>`
        response.writeHead(body.startsWith('!') ? 400 : 200, { 'Content-Type': 'application/soap+xml' })
        const content = body.startsWith('!') ? fault : body
        response.end(
          `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${content}</s:Body></s:Envelope>`,
        )
      })
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const request = { host: '127.0.0.1', port, username: '', password: '', streamUrl: 'rtsp://cam/P2' }
    const options = { loginGate: new LoginGate(systemClock), timeoutMs: 2000, deadlineMs }
    const { link, opening } = await PtzLink.open(request, options)
    if (link !== undefined) links.push(link)
    messages.length = 0
    return { link: link!, opening, messages }
  }

  const uris: Answers = (action, message) =>
    action === 'GetStreamUri'
      ? `<GetStreamUriResponse><MediaUri><Uri>rtsp://192.0.2.1/${/P\d/.exec(message)![0]}</Uri></MediaUri></GetStreamUriResponse>`
      : undefined

  it('turns the head of the stream that is watched, and what moves alone', async () => {
    const { link, opening, messages } = await open(uris)

    const result = await link.ask(right)

    assert.ok(opening.kind === 'head')
    assert.deepEqual([opening.abilities.canPan, opening.abilities.canZoom], [true, false])
    assert.deepEqual(result, { kind: 'done' })
    assert.match(messages[0]!, /<ProfileToken>P2<\/ProfileToken>/)
    assert.match(messages[0]!, /<PanTilt x="1" y="0".*<Timeout>PT5S<\/Timeout>/)
    assert.doesNotMatch(messages[0]!, /<Zoom/)
  })

  it('gives no time limit to a camera that knows none', async () => {
    const { link, messages } = await open((action, message) =>
      action === 'ContinuousMove' && message.includes('<Timeout>')
        ? '!The timeout is not supported'
        : uris(action, message),
    )

    const results = [await link.ask(right), await link.ask(right)]

    assert.deepEqual(results, [{ kind: 'done' }, { kind: 'done' }])
    assert.deepEqual(
      messages.map((message) => message.includes('<Timeout>')),
      [true, false, false],
    )
  })

  it('reads presets as cameras write them: two of one name, numbers, none at all', async () => {
    const { link } = await open((action, message) =>
      action === 'GetPresets'
        ? '<GetPresetsResponse><p:Preset xmlns:p="x" token="1.0"><Name>007</Name><PTZPosition/></p:Preset>' +
          `<Preset token='B&amp;C'><Name>007</Name></Preset><Preset token="3"/><Preset><Name>lost</Name></Preset></GetPresetsResponse>`
        : uris(action, message),
    )

    const result = await link.ask({ what: 'presets' })

    assert.deepEqual(result, {
      kind: 'presets',
      presets: [
        { token: '1.0', name: '007' },
        { token: 'B&C', name: '007' },
        { token: '3', name: '' },
      ],
    })
  })

  it('gives a refusal in the camera’s words, and goes on', async () => {
    const { link } = await open((action, message) => (action === 'Stop' ? '!Head\n is stuck' : uris(action, message)))

    assert.deepEqual(await link.ask({ what: 'stop' }), { kind: 'refused', words: 'Head is stuck' })
    assert.deepEqual(await link.ask(right), { kind: 'done' })
  })

  it('ends with a camera that answers nonsense, and harms nobody', async () => {
    const nonsense: [what: string, answers: Answers, opens?: 'head'][] = [
      ['nodes that are none', (action) => (action === 'GetNodes' ? '<Surprise/>' : undefined)],
      ['presets that are text', (action) => (action === 'GetPresets' ? 'x' : undefined), 'head'],
      ['broken XML', (action) => (action === 'GetPresets' ? '<a><b></a>' : undefined), 'head'],
    ]
    for (const [what, answers, opens] of nonsense) {
      const { link, opening } = await open((action, message) => answers(action, message) ?? uris(action, message))

      const result = opening.kind === 'failed' ? opening : await link.ask({ what: 'presets' })

      if (opens !== undefined) assert.equal(opening.kind, opens, what)
      assert.ok(result.kind === 'failed' && result.fault === 'protocol', `${what}: ${JSON.stringify(result)}`)
    }
  })

  it('fails what waits for an answer when it is late, and when it is closed', async () => {
    const { link } = await open((action, message) => (action === 'Stop' ? '?' : uris(action, message)), 600)
    const late = await link.ask({ what: 'stop' })
    const after = await link.ask(right)
    const { link: other } = await open(uris)
    const waiting = other.ask(right)
    other.close()

    assert.deepEqual(late, { kind: 'failed', fault: 'connection', words: 'not done within 0.6 s' })
    assert.deepEqual(after, late)
    assert.deepEqual(await waiting, { kind: 'failed', fault: 'connection', words: 'given up' })
  })
})
