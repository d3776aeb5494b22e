import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecorderClient } from '../../../server/recording/recorder-client.ts'
import type { Camera } from '../../../shared/camera.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { PushMessage } from '../../../shared/push.ts'
import type { Timeline } from '../../../shared/recording.ts'
import type { Space } from '../../../shared/space.ts'
import { ScriptedRecorder } from '../../support/scripted-recorder.ts'
import { SpaceOnDisk } from '../../support/space-on-disk.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { silentLogger } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

type Push<T extends PushMessage['type']> = Extract<PushMessage, { type: T }>

const startMs = 1_795_000_000_000
const timelinePath = `api/timeline?fromMs=${startMs - 1000}&toMs=${startMs + 60_000}`

describe('an index that is lost', () => {
  let folder: string
  let recorder: ScriptedRecorder
  let test: TestApp
  let client: TestClient
  let camera: Camera
  let disk: SpaceOnDisk

  const start = async () => {
    test = await startTestApp({
      folder,
      recorder: new RecorderClient({
        dataDir: `${folder}/data`,
        recorderMain: join(folder, 'none.ts'),
        serverVersion: '0.0.0',
        logLevel: 'silent',
        logger: silentLogger,
      }),
    })
    const before = client
    client =
      before === undefined ? await test.administrator() : Object.assign(test.client(), before, { url: test.app.url })
  }

  beforeEach(async () => {
    folder = makeTestFolder()
    recorder = new ScriptedRecorder(`${folder}/data`)
    await recorder.start()
    client = undefined as never
    await start()
    const [space] = await client.must<Space[]>('GET', 'api/spaces')
    const { serverId } = await client.must<{ serverId: string }>('GET', 'api/system/status')
    camera = await client.must<Camera>('POST', 'api/cameras', {
      name: 'Gate',
      streams: [{ stream: 1, url: 'rtsp://127.0.0.1:1/x' }],
    })
    disk = new SpaceOnDisk(space!.id, serverId, space!.folder)
    await recorder.settings()
    await recorder.tell({ type: 'space-made', spaceId: space!.id })
    for (const row of disk.write(camera.id, 5)) await recorder.tell({ type: 'segment-closed', row })
  })
  afterEach(async () => {
    await test.close()
    await recorder.stop()
  })

  /** The timeline once it is `isIt`; a reconciling goes on in the background. */
  const timelineOnce = async (isIt: (timeline: Timeline) => boolean): Promise<Timeline> => {
    for (;;) {
      const timeline = await client.must<Timeline>('GET', timelinePath)
      if (isIt(timeline)) return timeline
    }
  }

  it('is made again at the next start, the same', async () => {
    const before = await client.must<Timeline>('GET', timelinePath)
    await test.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${folder}/data/index.sqlite${suffix}`, { force: true })

    await start()
    const after = await timelineOnce(({ tracks }) => tracks.length > 0)

    assert.deepEqual(before.tracks[0]!.spans, [1000, 11_000])
    assert.deepEqual(after.tracks, before.tracks)
  })

  it('is made again where its file is damaged', async () => {
    await test.close()
    writeFileSync(`${folder}/data/index.sqlite`, 'no database'.repeat(1000))

    await start()

    await timelineOnce(({ tracks }) => tracks[0]?.spans[1] === 11_000)
  })

  it('is reconciled while the server runs when the recorder says that events were lost', async () => {
    const push = client.socket('api/push')
    await push.next('alarms')
    disk.write(camera.id, 2, { startUs: (startMs + 20_000) * 1000 })

    recorder.say({ type: 'events-lost' })
    await push.next<Push<'recording-changed'>>('recording-changed')
    const { tracks } = await client.must<Timeline>('GET', timelinePath)
    await test.app.log.flush()
    const { body: log } = await client.get<LogEntry[]>('api/logs?text=reconciled')

    assert.deepEqual(tracks[0]!.spans, [1000, 11_000, 21_000, 25_000])
    assert.match(log[0]!.message, /2 segments added, 0 dropped/)
  })

  it('shows footage of a channel nobody knows as a read-only one', async () => {
    const stranger = randomUUID()
    const push = client.socket('api/push')
    await push.next('alarms')
    disk.write(stranger, 1)

    recorder.say({ type: 'events-lost' })
    const { camera: found } = await push.next<Push<'camera-changed'>>('camera-changed')

    assert.deepEqual(
      [found.id, found.name, found.isRecovered, found.isEnabled],
      [stranger, 'recovered Gate', true, false],
    )
    assert.equal(found.channel, 2)
    await timelineOnce(({ tracks }) => tracks.some((track) => track.cameraId === stranger))
  })

  it('makes no channel of footage that is being removed with its camera', async () => {
    await client.must('DELETE', `api/cameras/${camera.id}?footage=remove`)
    const push = client.socket('api/push')
    await push.next('alarms')
    const stranger = randomUUID()
    disk.write(stranger, 1)

    recorder.say({ type: 'events-lost' })
    await push.next<Push<'camera-changed'>>('camera-changed')

    const cameras = await client.must<Camera[]>('GET', 'api/cameras')
    assert.deepEqual(
      cameras.map((one) => one.id),
      [stranger],
    )
  })
})
