import assert from 'node:assert/strict'
import { Bus } from '../../../server/base/bus.ts'
import { SettingStore } from '../../../server/db/setting-store.ts'
import { createLinuxHost } from '../../../server/host/linux/linux-host.ts'
import { LogService } from '../../../server/log/log-service.ts'
import { LogStore } from '../../../server/log/log-store.ts'
import { checklistItems } from '../../../server/system/checklist.ts'
import { ServerZone } from '../../../server/system/server-zone.ts'
import { SetupService, type SetupServiceOptions } from '../../../server/system/setup-service.ts'
import type { Space } from '../../../shared/space.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { describeOnBoth, silentLogger } from '../../support/test-database.ts'

describeOnBoth('the setup as it is kept', 'settings', (database) => {
  const bus = new Bus(silentLogger)
  const clock = new FakeClock()
  let log: LogService

  const open = async (more: Partial<SetupServiceOptions> = {}) => {
    const store = new LogStore(database())
    log = new LogService({ store, bus, clock, logger: silentLogger, keptEntries: 1000 })
    return SetupService.open({
      settings: new SettingStore(database()),
      zone: await ServerZone.open(new SettingStore(database()), createLinuxHost().wallClock),
      spaces: async () => [],
      mountPointOf: async () => '/',
      cameraCount: async () => 0,
      health: () => [],
      mustChangePassword: async () => false,
      log,
      bus,
      clock,
      isDone: false,
      ...more,
    })
  }
  afterEach(() => log.close())

  it('is found again as it was left, the report and the zone with it', async () => {
    const first = await open()
    const report = await first.measure({ username: 'admin' })
    const shownMs = clock.utcUs() / 1000
    await first.judgeTime({ isRight: true, shownMs, timeZone: 'Asia/Tokyo' }, { username: 'admin' })
    await first.finish({ username: 'admin' })
    await first.close()

    const second = await open()

    assert.equal((await second.state('x')).isFinished, true)
    assert.deepEqual(second.check().report, report)
    const { timeZone, confirmedMs } = await second.time()
    assert.deepEqual({ timeZone, confirmedMs }, { timeZone: 'Asia/Tokyo', confirmedMs: shownMs })
    await second.close()
  })

  it('loses nothing where two things change at once', async () => {
    const setup = await open()
    bus.emit('picture-seen', {})
    await Promise.all([setup.showChecklist(false, {}), setup.measure({})])
    await setup.close()

    const again = await open()

    assert.ok(again.check().report !== undefined)
    const { isShown, items } = await again.checklist('x')
    assert.equal(isShown, false)
    assert.equal(items.find(({ name }) => name === 'picture')?.isDone, true)
    await again.close()
  })

  it('counts as finished on a server that has cameras and never kept it, and stays so without them', async () => {
    const first = await open({ cameraCount: async () => 2 })
    await first.close()
    const second = await open()

    assert.equal((await second.state('x')).isFinished, true)
    await second.close()
  })
})

describe('the checklist', () => {
  const space = { name: 'Default', state: 'normal' } as Space
  const recording = { isRecordWanted: true, isRecording: true } as StreamHealth
  const facts = { spaces: [space], cameraCount: 1, health: [recording], isPictureSeen: true, mustChangePassword: false }

  it('is done where all is there', () => {
    assert.ok(checklistItems(facts).every(({ isDone, detail }) => isDone && detail === undefined))
  })

  const cases: [what: string, change: object, detail: string | undefined][] = [
    ['there is no space', { spaces: [] }, 'there is no recording space'],
    [
      'the space is faulty',
      { spaces: [{ ...space, state: 'error', fault: 'not-mounted', faultDetail: '/v is not mounted' }] },
      'Default: /v is not mounted',
    ],
    ['there is no camera', { cameraCount: 0, health: [] }, undefined],
    [
      'the camera is lost',
      { health: [{ ...recording, isRecording: false, faultDetail: 'rtsp://a: refused' }] },
      'rtsp://a: refused',
    ],
    [
      'the recorder is down, which the banner says,',
      { health: [{ ...recording, isRecording: false, notRecordingReason: 'recorder-down' }] },
      undefined,
    ],
  ]
  for (const [what, change, detail] of cases) {
    it(`does not tick the space where ${what}, and says what is known of why`, () => {
      const found = checklistItems({ ...facts, ...change }).find(({ name }) => name === 'space')

      assert.equal(found?.isDone, false)
      assert.equal(found?.detail, detail)
    })
  }
})
