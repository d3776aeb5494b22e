import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RecorderClient } from '../../../server/recording/recorder-client.ts'
import type { Camera } from '../../../shared/camera.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { PushMessage } from '../../../shared/push.ts'
import type { Gap, Timeline } from '../../../shared/recording.ts'
import type { Space } from '../../../shared/space.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import type { SystemStatus } from '../../../shared/system.ts'
import { ScriptedRecorder } from '../../support/scripted-recorder.ts'
import { segmentRow } from '../../support/segment-row.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { silentLogger, testMariaDb } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

type Push<T extends PushMessage['type']> = Extract<PushMessage, { type: T }>

const draft = {
  name: 'Gate',
  username: 'root',
  password: 'hunter2',
  streams: [{ stream: 1, url: 'rtsp://10.0.0.5/main' }],
}

function clientOf(dataDir: string): RecorderClient {
  return new RecorderClient({
    dataDir,
    // Never started: the scripted one answers, and where it does not the server has to live without.
    recorderMain: join(makeTestFolder(), 'none.ts'),
    serverVersion: '0.0.0',
    logLevel: 'silent',
    logger: silentLogger,
  })
}

describe('the recording service', () => {
  let folder: string
  let recorder: ScriptedRecorder
  let test: TestApp
  let client: TestClient
  let camera: Camera
  let space: Space

  beforeEach(async () => {
    folder = makeTestFolder()
    recorder = new ScriptedRecorder(`${folder}/data`)
    await recorder.start()
    test = await startTestApp({ folder, recorder: clientOf(`${folder}/data`) })
    client = await test.administrator()
    camera = (await client.post<Camera>('api/cameras', draft)).body
    space = (await client.must<Space[]>('GET', 'api/spaces'))[0]!
  })
  afterEach(async () => {
    await test.close()
    await recorder.stop()
  })

  const restart = async () => {
    await test.close()
    test = await startTestApp({ folder, recorder: clientOf(`${folder}/data`) })
    const { cookie, token } = client
    client = Object.assign(test.client(), { cookie, token })
  }
  const rowOf = (change: Parameters<typeof segmentRow>[0]) =>
    segmentRow({ spaceId: space.id, cameraId: camera.id, ...change })
  const timeline = (fromMs: number, toMs: number) =>
    client.must<Timeline>('GET', `api/timeline?cameras=${camera.id}&fromMs=${fromMs}&toMs=${toMs}`)
  const healthOf = (change: Partial<StreamHealth>): StreamHealth => ({
    cameraId: camera.id,
    stream: 1,
    state: 'live',
    sinceMs: 1000,
    lostPackets: 0,
    droppedFrames: 0,
    isRecordWanted: true,
    isRecording: true,
    viewers: 0,
    ...change,
  })

  it('tells the recorder what is set, passwords and all, at every change and with a revision that grows', async () => {
    const first = await recorder.settings((settings) => settings.streams.length === 1)
    await client.must('PATCH', `api/cameras/${camera.id}`, { name: 'Door' })
    const second = await recorder.settings((settings) => settings.streams[0]?.cameraName === 'Door')
    await client.must('PATCH', `api/cameras/${camera.id}`, { isEnabled: false })
    const third = await recorder.settings((settings) => settings.streams.length === 0)

    assert.deepEqual(first.streams, [
      {
        cameraId: camera.id,
        cameraName: 'Gate',
        stream: 1,
        url: 'rtsp://10.0.0.5/main',
        username: 'root',
        password: 'hunter2',
        hasAudio: true,
        isRecorded: true,
        spaceId: space.id,
      },
    ])
    const { id, name, volumePath, folder: _folder, isFresh, allocatedBytes } = first.spaces[0]! as never
    assert.deepEqual([id, name, volumePath, isFresh], [space.id, 'Default', `${folder}/volume`, true])
    assert.equal(allocatedBytes, space.allocatedBytes)
    assert.ok(first.revision < second.revision && second.revision < third.revision)
  })

  it('says that a space is not fresh any more once the recorder has made it', async () => {
    await recorder.tell({ type: 'space-made', spaceId: space.id })
    await client.must('PATCH', `api/spaces/${space.id}`, { overwriteThresholdPct: 80 })

    const settings = await recorder.settings(({ spaces }) => spaces[0]?.overwriteThresholdPct === 80)

    assert.equal(settings.spaces[0]!.isFresh, false)
  })

  it('shows what was recorded on the timeline, and lets an open segment grow by its status', async () => {
    await recorder.tell({ type: 'segment-closed', row: rowOf({ sequence: 1 }) })
    await recorder.tell({ type: 'segment-opened', row: rowOf({ sequence: 2, footerOffset: 0, endUs: 20_500_000 }) })
    const before = await timeline(0, 60_000)
    recorder.status({
      open: [{ spaceId: space.id, sequence: 2, endUs: 27_000_000, sizeBytes: 1, videoSamples: 1, audioSamples: 0 }],
    })
    let after = await timeline(0, 60_000)
    while (after.tracks[0]!.spans[1] === 20_500) after = await timeline(0, 60_000)

    assert.deepEqual(before.tracks, [{ cameraId: camera.id, stream: 1, kind: 'normal', spans: [10_000, 20_500] }])
    assert.deepEqual(after.tracks[0]!.spans, [10_000, 27_000])
    assert.deepEqual(await client.must('GET', `api/cameras/${camera.id}/footage`), { startMs: 10_000, endMs: 27_000 })
  })

  it('takes removed segments off the timeline, tells the desktop, and logs the deletion', async () => {
    for (const sequence of [1, 2, 3]) await recorder.tell({ type: 'segment-closed', row: rowOf({ sequence }) })
    const push = client.socket('api/push')
    await push.next('alarms')

    await recorder.tell({
      type: 'segments-removed',
      spaceId: space.id,
      sequences: [2],
      reason: 'overwritten',
    })
    const changed = await push.next<Push<'recording-changed'>>('recording-changed')
    const { tracks } = await timeline(0, 60_000)
    await restart()
    const { body: log } = await client.get<LogEntry[]>('api/logs?kind=deletion')

    assert.deepEqual(changed.cameraIds, [camera.id])
    assert.deepEqual(tracks[0]!.spans, [10_000, 20_000, 30_000, 40_000])
    assert.equal(log[0]!.message, '1 segments were removed from recording space Default: overwritten')
  })

  it('keeps the gap ledger, and pushes its lines', async () => {
    const push = client.socket('api/push')
    await push.next('alarms')
    const gap = { cameraId: camera.id, stream: 1, startUs: 5_000_000, cause: 'silent' as const, detail: 'nothing came' }

    await recorder.tell({ type: 'gap-began', ...gap })
    const began = await push.next<Push<'gap'>>('gap')
    await recorder.tell({ type: 'gap-ended', ...gap, endUs: 9_000_000 })
    const ended = await push.next<Push<'gap'>>('gap')

    assert.equal(began.gap.endMs, undefined)
    const line = { cameraId: camera.id, stream: 1, startMs: 5000, endMs: 9000, cause: 'silent', detail: 'nothing came' }
    assert.deepEqual(ended.gap, line)
    assert.deepEqual(await client.must<Gap[]>('GET', 'api/gaps?fromMs=0&toMs=60000'), [line])
  })

  it('writes what the recorder saw happen to the durable log', async () => {
    await recorder.tell({
      type: 'occurrence',
      name: 'camera-lost',
      level: 'warning',
      atUs: 7_000_000,
      cameraId: camera.id,
      stream: 1,
      message: 'camera Gate was lost: connection refused',
    })
    await test.app.log.flush()

    const { body } = await client.get<LogEntry[]>('api/logs?kind=surveillance')

    assert.deepEqual(
      body.map(({ name, level, atMs, cameraId }) => [name, level, atMs, cameraId]),
      [['camera-lost', 'warning', 7000, camera.id]],
    )
  })

  it('shows the health and the spaces the recorder tells of', async () => {
    const push = client.socket('api/push')
    await push.next('alarms')

    recorder.status({
      streams: [healthOf({ fps: 25, bitrateKbps: 4000 })],
      spaces: [
        {
          id: space.id,
          state: 'warning',
          fault: 'full',
          faultDetail: 'less is free than was promised',
          folder: space.folder,
          usedBytes: 1234,
          freeBytes: 5678,
          writeLatencyMs: 3,
        },
      ],
    })
    const told = await push.next<Push<'space-changed'>>('space-changed')
    const health = await push.next<Push<'health'>>('health', ({ streams }) => streams[0]?.state === 'live')

    assert.deepEqual([told.space.state, told.space.fault, told.space.usedBytes], ['warning', 'full', 1234])
    assert.equal(health.streams[0]!.fps, 25)
    assert.deepEqual((await client.get<StreamHealth[]>('api/health')).body, health.streams)
    const status = await client.must<SystemStatus>('GET', 'api/system/status')
    assert.deepEqual([status.recorder.isConnected, status.recorder.pid, status.recorder.rssMb], [true, 4242, 80])
  })

  it('raises an alarm for a stream that should record and does not, and takes it back', async () => {
    const push = client.socket('api/push')
    await push.next('alarms')
    const lost = healthOf({
      state: 'lost',
      isRecording: false,
      notRecordingReason: 'camera-lost',
      faultDetail: 'rtsp://10.0.0.5/main: connection refused',
    })

    recorder.status({ streams: [lost] })
    const raised = await push.next<Push<'alarms'>>('alarms', ({ alarms }) => alarms.length > 0)
    recorder.status({ streams: [healthOf({})] })
    const cleared = await push.next<Push<'alarms'>>('alarms')

    assert.deepEqual(
      raised.alarms.map(({ cameraName, stream, reason }) => [cameraName, stream, reason]),
      [['Gate', 1, 'the camera is lost: rtsp://10.0.0.5/main: connection refused']],
    )
    assert.deepEqual(cleared.alarms, [])
  })

  it('shows that the recorder is down, and takes up with the next one', async () => {
    recorder.status({ streams: [healthOf({})] })
    const push = client.socket('api/push')
    await push.next<Push<'health'>>('health', ({ streams }) => streams.some((one) => one.isRecording))

    await recorder.stop()
    const down = await push.next<Push<'health'>>('health', ({ streams }) => streams.some((one) => !one.isRecording))
    recorder.startedUs++
    const before = recorder.heard.length
    await recorder.start()
    await recorder.until(() => recorder.heard.slice(before).some((message) => message.type === 'configure'))

    assert.equal(down.streams[0]!.notRecordingReason, 'recorder-down')
  })

  it('has the footage of a removed camera removed, and asks again after a restart', async () => {
    await recorder.tell({ type: 'segment-closed', row: rowOf({ sequence: 1 }) })
    const isAsked = () =>
      recorder.heard.some((message) => message.type === 'remove-footage' && message.cameraId === camera.id)

    await client.must('DELETE', `api/cameras/${camera.id}?footage=remove`)
    await recorder.until(isAsked)
    recorder.heard.length = 0
    await restart()
    await recorder.until(isAsked)
  })

  it('asks again for the removal of footage when the segment that was open then is closed', async () => {
    const row = rowOf({ sequence: 1, footerOffset: 0 })
    await recorder.tell({ type: 'segment-opened', row })
    const asked = () => recorder.heard.filter((message) => message.type === 'remove-footage').length
    await client.must('DELETE', `api/cameras/${camera.id}?footage=remove`)
    await recorder.until(() => asked() === 1)

    await recorder.tell({ type: 'segment-closed', row: rowOf({ sequence: 1 }) })

    await recorder.until(() => asked() === 2)
  })

  it('has the segments that were open open again after a restart', async () => {
    await recorder.tell({ type: 'segment-opened', row: rowOf({ sequence: 1, footerOffset: 0, endUs: 10_500_000 }) })

    recorder.heard.length = 0
    await restart()
    await recorder.settings()
    recorder.status({
      open: [{ spaceId: space.id, sequence: 1, endUs: 15_000_000, sizeBytes: 1, videoSamples: 1, audioSamples: 0 }],
    })
    let found = await timeline(0, 60_000)
    while (found.tracks[0]?.spans[1] !== 15_000) found = await timeline(0, 60_000)

    assert.deepEqual(found.tracks[0]!.spans, [10_000, 15_000])
  })

  it('refuses an empty span and one past 400 days, naming the field', async () => {
    for (const [from, to] of [
      [5, 5],
      [0, 400 * 86_400_000 + 1],
    ]) {
      for (const path of ['timeline', 'gaps']) {
        const answer = await client.get<{ field: string }>(`api/${path}?fromMs=${from}&toMs=${to}`)
        assert.equal(answer.status, 400)
        assert.equal(answer.body.field, 'toMs')
      }
    }
  })
})

describe('the recording service with MariaDB', function () {
  this.timeout(60_000)

  it('acknowledges nothing while the database is away, and takes all of it in order when it is back', async () => {
    const folder = makeTestFolder()
    const maria = await testMariaDb()
    const recorder = new ScriptedRecorder(`${folder}/data`)
    await recorder.start()
    const test = await startTestApp({
      folder,
      recorder: clientOf(`${folder}/data`),
      env: { NIGHTJAR_DATABASE_URL: maria.url('whole') },
    })
    const client = await test.administrator()
    const { body: camera } = await client.post<Camera>('api/cameras', draft)
    const row = (sequence: number) => segmentRow({ cameraId: camera.id, sequence })
    await recorder.tell({ type: 'segment-closed', row: row(1) })

    await maria.kill()
    const last = [2, 3, 4].map((sequence) => recorder.send({ type: 'segment-closed', row: row(sequence) })).at(-1)!
    const away = await client.get<{ kind: string }>('api/cameras')
    const acknowledgedAway = recorder.acknowledged
    await maria.start()
    await recorder.until(() => recorder.acknowledged >= last)

    assert.deepEqual([away.status, away.body.kind], [502, 'unreachable'])
    assert.equal(acknowledgedAway, last - 3)
    const { tracks } = await client.must<Timeline>('GET', 'api/timeline?fromMs=0&toMs=100000')
    assert.deepEqual(tracks[0]!.spans, [10_000, 50_000])
    await test.close()
    await recorder.stop()
  })
})
