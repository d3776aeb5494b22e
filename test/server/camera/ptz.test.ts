import assert from 'node:assert/strict'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import type { PtzState } from '../../../scripts/cameras/ptz-head.ts'
import { abilitiesOf } from '../../../server/camera/ptz-conversation.ts'
import type { Camera } from '../../../shared/camera.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { PtzAbilities, PtzPreset } from '../../../shared/ptz.ts'
import { ptzHoldMs } from '../../../shared/ptz-limits.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

async function until(what: string, look: () => boolean, ms = 8000): Promise<void> {
  const end = Date.now() + ms
  while (!look()) {
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await pause(20)
  }
}

describe('turning a camera', function () {
  this.timeout(60_000)
  let farm: CameraFarm
  let test: TestApp
  let client: TestClient

  before(async () => {
    const streams = [{ name: 'main', clip: 'main' }]
    farm = await startSmallCameras({
      cameras: [
        { name: 'cam1', streams, auth: 'digest', hasPtz: true },
        { name: 'cam2', streams, auth: 'none' },
        { name: 'cam3', streams, auth: 'digest', hasPtz: true, user: 'guard' },
      ],
      user: 'turner',
      password: 'secret',
      portPerCamera: true,
    })
  })
  after(() => farm.close())
  beforeEach(async () => {
    test = await startTestApp()
    client = await test.administrator()
  })
  afterEach(async () => {
    await test.close()
    farm.fault('cam1', null)
    const head = farm.cameras[0]!.head!
    for (const { token } of head.presets) head.removePreset(token)
    head.stop()
  })

  const state = (which = 0): PtzState => farm.cameras[which]!.head!.state

  /** Adds a simulated camera, and gives the path of its PTZ. */
  async function add(name: string, change: object = {}): Promise<string> {
    const { id } = await client.must<Camera>('POST', 'api/cameras', {
      name,
      username: 'turner',
      password: 'secret',
      onvifHost: '127.0.0.1',
      onvifPort: farm.onvif(name).port,
      streams: [{ stream: 1, url: farm.rtspUrl(name) }],
      ...change,
    })
    return `api/cameras/${id}/ptz`
  }

  it('begins with what its head can do', async () => {
    const path = await add('cam1')

    const abilities = await client.must<PtzAbilities>('GET', path)

    assert.deepEqual(abilities, {
      hasPtz: true,
      canPan: true,
      canTilt: true,
      canZoom: true,
      hasHome: true,
      maxPresets: 8,
    })
  })

  it('moves it at the speeds given, and ends at a stop', async () => {
    const path = await add('cam1')
    const before = state()

    await client.must('POST', `${path}/move`, { pan: 1, tilt: -0.5 })
    await pause(400)
    await client.must('POST', `${path}/stop`)

    const after = state()
    const panned = after.pan - before.pan
    assert.ok(panned > 0.15 && panned < 0.5, `panned by ${panned}`)
    assert.ok(Math.abs(before.tilt - after.tilt - panned / 2) < 0.01, `tilted by ${after.tilt - before.tilt}`)
    assert.equal(after.zoom, before.zoom)
    assert.equal(after.isMoving, false)
    await pause(200)
    assert.deepEqual(state(), after)
  })

  it('is ended by the server where nobody renews it, and goes on where somebody does', async () => {
    const path = await add('cam1')

    for (let i = 0; i < 4; i++) {
      await client.must('POST', `${path}/move`, { zoom: 0.2 })
      await pause(ptzHoldMs / 2)
      assert.equal(state().isMoving, true, `renewal ${i}`)
    }

    // The camera's own limit is five seconds: this end is the server's.
    await until('the end', () => !state().isMoving, 2 * ptzHoldMs)
  })

  it('is ended when the server is', async () => {
    const path = await add('cam1')
    await client.must('POST', `${path}/move`, { pan: -0.3 })
    assert.equal(state().isMoving, true)

    await test.close()

    assert.equal(state().isMoving, false)
  })

  it('is ended when the camera is removed', async () => {
    const path = await add('cam1')
    await client.must('POST', `${path}/move`, { pan: 0.3 })

    await client.must('DELETE', `${path.replace('/ptz', '')}?footage=remove`)

    await until('the end', () => !state().isMoving, ptzHoldMs)
    assert.equal((await client.post(`${path}/move`, { pan: 1 })).status, 404)
  })

  it('saves presets by name, goes there, saves over one and removes it, and logs what was changed', async () => {
    const path = await add('cam1')
    farm.cameras[0]!.head!.goHome()
    await until('home', () => !state().isMoving)

    const saved = await client.post<PtzPreset>(`${path}/presets`, { name: 'Gate <1> & "door"' })
    await client.must('POST', `${path}/move`, { pan: 1 })
    await pause(300)
    await client.must('POST', `${path}/stop`)
    const { pan } = state()
    const other = await client.must<PtzPreset>('POST', `${path}/presets`, { name: '007' })
    await client.must('POST', `${path}/presets/${saved.body.token}/go`)
    await until('the first', () => !state().isMoving)
    assert.ok(Math.abs(state().pan) < 1e-6)
    const again = await client.must<PtzPreset>('POST', `${path}/presets`, { name: '007' })
    await client.must('POST', `${path}/move`, { pan: -1 })
    await pause(100)
    await client.must('POST', `${path}/presets/${other.token}/go`)
    await until('the second, as it was saved last', () => !state().isMoving)

    assert.equal(saved.status, 201)
    assert.ok(pan > 0.1)
    assert.deepEqual(again, other)
    assert.ok(Math.abs(state().pan) < 1e-6, `pan ${state().pan}`)
    assert.deepEqual(await client.must('GET', `${path}/presets`), [saved.body, { token: other.token, name: '007' }])

    await client.must('DELETE', `${path}/presets/${other.token}`)
    const gone = await client.request<FailureBody>('DELETE', `${path}/presets/${other.token}`)
    await test.app.log.flush()

    assert.deepEqual(await client.must('GET', `${path}/presets`), [saved.body])
    assert.deepEqual([gone.status, gone.body.kind], [404, 'not-found'])
    const log = await client.must<LogEntry[]>('GET', 'api/logs?kind=setting&text=preset')
    assert.deepEqual(
      log.map(({ name, message, username }) => [name, message, username]),
      [
        ['ptz-preset-removed', 'camera cam1: preset 007 was removed', 'admin'],
        ['ptz-preset-saved', 'camera cam1: preset 007 was saved', 'admin'],
        ['ptz-preset-saved', 'camera cam1: preset 007 was saved', 'admin'],
        ['ptz-preset-saved', 'camera cam1: preset Gate <1> & "door" was saved', 'admin'],
      ],
    )
    const all = await client.must<LogEntry[]>('GET', 'api/logs')
    assert.deepEqual(
      all.filter(({ message }) => / move|turn/.test(message)),
      [],
    )
  })

  it('goes on its way to a preset although a move went before', async () => {
    const path = await add('cam1')
    farm.cameras[0]!.head!.goHome()
    await until('home', () => !state().isMoving)
    await client.must('POST', `${path}/move`, { pan: 1 })
    await pause(900)
    await client.must('POST', `${path}/stop`)
    const { token } = await client.must<PtzPreset>('POST', `${path}/presets`, { name: 'Far' })
    const { pan } = state()
    await client.must('POST', `${path}/home`)
    await until('home again', () => !state().isMoving)
    await client.must('POST', `${path}/move`, { tilt: 0.1 })

    await client.must('POST', `${path}/presets/${token}/go`)

    await until('the preset', () => !state().isMoving)
    assert.ok(Math.abs(state().pan - pan) < 1e-6, `pan ${state().pan}, not ${pan}`)
  })

  it('says in the camera’s words what it refuses', async () => {
    const path = await add('cam1')
    for (let i = 1; i <= 8; i++) await client.must('POST', `${path}/presets`, { name: `Place ${i}` })

    const full = await client.post<FailureBody>(`${path}/presets`, { name: 'One more' })
    const missing = await client.post<FailureBody>(`${path}/presets/nowhere/go`)

    assert.deepEqual(
      [full.status, full.body.message],
      [409, 'save a preset of cam1: the camera refuses: Maximum number of presets reached'],
    )
    assert.deepEqual(
      [missing.status, missing.body.message],
      [409, 'send to a preset cam1: the camera refuses: The requested preset token does not exist'],
    )
  })

  it('says what a camera lacks', async () => {
    const plain = await add('cam2')
    const byAddress = await add('cam1', { name: 'By address', onvifHost: '' })
    const disabled = await add('cam1', { name: 'Disabled', isEnabled: false })
    const cases: [path: string, reason: string, detail: RegExp][] = [
      [plain, 'no-ptz', /its ONVIF service has no PTZ/],
      [byAddress, 'no-onvif', /added by the address of its streams alone/],
      [disabled, 'disabled', /is disabled/],
    ]

    for (const [path, reason, detail] of cases) {
      const abilities = await client.must<PtzAbilities>('GET', path)
      assert.ok(!abilities.hasPtz)
      assert.equal(abilities.reason, reason)
      assert.match(abilities.detail, detail)
      for (const wish of ['stop', 'home', 'presets/P1/go']) {
        const answer = await client.post<FailureBody>(`${path}/${wish}`)
        assert.deepEqual([answer.status, answer.body.kind], [409, 'conflict'], wish)
        assert.match(answer.body.message, detail)
      }
    }
  })

  it('says what it did not answer, and works again when it does', async () => {
    const wrong = await add('cam1', { username: 'stranger', password: 'guess' })
    const path = await add('cam1', { name: 'Silent' })
    farm.fault('cam1', { refuse: true })

    const away = await client.post<FailureBody>(`${path}/move`, { pan: 1 })
    const finding = await client.must<PtzAbilities>('GET', path)
    farm.fault('cam1', null)
    await until('the camera', () => farm.stats().length > 0)
    await pause(200)
    const back = await client.post(`${path}/stop`)
    const refused = await client.post<FailureBody>(`${wrong}/stop`)

    const { port } = farm.onvif('cam1')
    assert.equal(away.status, 502)
    assert.equal(away.body.message, `turn Silent: 127.0.0.1 port ${port}: connection refused`)
    assert.deepEqual(finding, {
      hasPtz: false,
      reason: 'unreachable',
      detail: `ask Silent: 127.0.0.1 port ${port}: connection refused`,
    })
    assert.equal(back.status, 204)
    assert.equal(refused.status, 502)
    assert.match(refused.body.message, /the user name or the password is refused/)
    assert.doesNotMatch(JSON.stringify([away, finding, refused]), /secret|guess/)
  })

  it('is ended by the camera where it lets the server in no more', async () => {
    const path = await add('cam3', { username: 'guard' })
    await client.must('POST', `${path}/move`, { pan: 0.1 })
    farm.fault('cam3', { denyLogin: true })

    const denied = await client.post<FailureBody>(`${path}/move`, { pan: 0.2 })

    assert.equal(denied.status, 502)
    assert.equal(state(2).isMoving, true)
    await until('the end', () => !state(2).isMoving, 8000)
  })

  it('refuses what is out of range, and names the field and the limit', async () => {
    const path = await add('cam1')
    const cases: [wish: string, body: object, field: string, message: RegExp][] = [
      ['move', { pan: 1.5 }, 'pan', /^pan: must be from -1 to 1$/],
      ['move', { zoom: 'fast' }, 'zoom', /zoom/],
      ['move', {}, 'pan', /one of pan, tilt and zoom must not be 0/],
      ['move', { pan: 1, focus: 1 }, 'focus', /focus: is not known here/],
      ['presets', { name: '' }, 'name', /^name: is required$/],
      ['presets', { name: 'x'.repeat(33) }, 'name', /^name: must be 32 characters or fewer$/],
      [`presets/${'x'.repeat(65)}/go`, {}, 'presetToken', /must be 64 characters or fewer/],
    ]

    for (const [wish, body, field, message] of cases) {
      const answer = await client.post<FailureBody>(`${path}/${wish}`, body)
      assert.equal(answer.status, 400, wish)
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, message)
    }
    assert.equal(state().isMoving, false)
  })

  it('is for those who are logged in', async () => {
    const path = await add('cam1')
    const stranger = test.client()

    for (const [method, wish] of [
      ['GET', path],
      ['GET', `${path}/presets`],
      ['POST', `${path}/move`],
      ['POST', `${path}/stop`],
      ['DELETE', `${path}/presets/P1`],
    ] as const) {
      assert.equal((await stranger.request(method, wish)).status, 401, wish)
    }
  })
})

describe('what a PTZ node can do', () => {
  const node = (token: string, spaces: string, more = ''): string =>
    `<p:PTZNode token="${token}"><tt:SupportedPTZSpaces>${spaces}</tt:SupportedPTZSpaces>${more}</p:PTZNode>`
  const range = (axis: string, least: number, most: number): string =>
    `<tt:${axis}><tt:Min>${least}</tt:Min><tt:Max>${most}</tt:Max></tt:${axis}>`
  const panOnly =
    '<tt:ContinuousPanTiltVelocitySpace><tt:URI>u</tt:URI>' +
    `${range('XRange', -1, 1)}${range('YRange', 0, 0)}</tt:ContinuousPanTiltVelocitySpace>`
  const zoomOnly = `<tt:ContinuousZoomVelocitySpace><tt:URI>u</tt:URI>${range('XRange', -1, 1)}</tt:ContinuousZoomVelocitySpace>`

  it('is told by axis, of the node that is named', () => {
    const xml = node('A', panOnly, '<tt:MaximumNumberOfPresets>16</tt:MaximumNumberOfPresets>') + node('B', zoomOnly)
    const none = { hasPtz: true, canPan: false, canTilt: false, canZoom: false, hasHome: false, maxPresets: 0 }

    assert.deepEqual(abilitiesOf(xml, 'A'), { ...none, canPan: true, maxPresets: 16 })
    assert.deepEqual(abilitiesOf(xml, 'B'), { ...none, canZoom: true })
    assert.deepEqual(abilitiesOf(xml, 'C'), { ...none, canPan: true, maxPresets: 16 })
    assert.deepEqual(abilitiesOf('<Surprise/>', 'A'), none)
  })
})
