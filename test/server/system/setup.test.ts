import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { openKnex } from '../../../server/db/database.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { Checklist, RequirementCheck, RequirementReport, ServerTime, SetupState } from '../../../shared/setup.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startTestApp, type TestApp, type TestAppOptions } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const draft = { name: 'Yard', streams: [{ stream: 1, url: 'rtsp://192.0.2.7/main', isRecorded: true, hasAudio: true }] }

describe('the setup', function () {
  this.timeout(60_000)
  let test: TestApp
  let client: TestClient

  /** A server whose setup is asked for, as on a machine of a person's. */
  async function start(options: TestAppOptions = {}): Promise<void> {
    test = await startTestApp({ ...options, env: { NIGHTJAR_SETUP: 'ask', ...options.env } })
    client = await test.administrator()
  }

  afterEach(() => test.close())

  const state = () => client.must<SetupState>('GET', 'api/setup')
  const logged = async (name: string) => {
    await test.app.log.flush()
    return (await client.must<LogEntry[]>('GET', 'api/logs')).find((entry) => entry.name === name)
  }

  it('goes step by step, logs what was done and by whom, and stays finished', async () => {
    await start()
    assert.deepEqual(await state(), { isFinished: false, nextStep: 'requirements', isChecklistShown: true })

    const report = await client.must<RequirementReport>('POST', 'api/setup/requirements')
    assert.equal((await state()).nextStep, 'time')
    const { nowMs } = await client.must<ServerTime>('GET', 'api/setup/time')
    await client.must('POST', 'api/setup/time', { isRight: true, shownMs: nowMs, timeZone: 'Europe/Berlin' })
    assert.equal((await state()).nextStep, 'password')
    await client.must('POST', 'api/account/password', { current: test.password, next: 'battery staple' })
    assert.equal((await state()).nextStep, 'finish')
    await client.must('POST', 'api/setup/finish')

    assert.deepEqual(await state(), { isFinished: true, isChecklistShown: true })
    const check = await client.must<RequirementCheck>('GET', 'api/setup/requirements')
    assert.deepEqual(check, { isRunning: false, doneCount: 6, totalCount: 6, report })
    assert.equal((await logged('requirements-checked'))?.username, 'admin')
    const confirmed = await logged('time-confirmed')
    assert.equal(confirmed?.username, 'admin')
    assert.ok(confirmed?.message.includes(new Date(nowMs).toISOString()), confirmed?.message)
    assert.equal((await logged('setup-finished'))?.username, 'admin')
    await test.restart()
    test.password = 'battery staple'
    client = await test.administrator()
    assert.equal((await state()).isFinished, true)
  })

  it('lets nobody in without a login, nor an account that may not manage the system', async () => {
    await start()
    const routes = test.app.routes.filter(({ spec }) => spec.path.startsWith('api/setup'))
    const draft = { username: 'guard', password: 'battery staple', mustChangePassword: false }
    await client.must('POST', 'api/accounts', draft)
    const guard = test.client()
    await guard.logIn('guard', 'battery staple')

    assert.equal(routes.length, 8)
    for (const { spec } of routes) {
      assert.equal(spec.privilege, 'system.manage')
      assert.equal((await test.client().request(spec.method.toUpperCase(), spec.path)).status, 401)
      assert.equal((await guard.request(spec.method.toUpperCase(), spec.path)).status, 403, spec.path)
    }
  })

  it('measures the real volume, one run at a time, and leaves nothing there', async () => {
    await start()
    const before = readdirSync(`${test.folder}/volume`)

    const answers = await Promise.all([
      client.post<FailureBody>('api/setup/requirements'),
      client.post<FailureBody>('api/setup/requirements'),
    ])

    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
    assert.match(answers.find(({ status }) => status === 409)!.body.message, /check is running/)
    assert.deepEqual(readdirSync(`${test.folder}/volume`), before)
    assert.equal((await client.post('api/setup/requirements')).status, 200)
  })

  it('is not finished before the requirements were checked and the time confirmed', async () => {
    await start()

    const unchecked = await client.post<FailureBody>('api/setup/finish')
    await client.must('POST', 'api/setup/requirements')
    const unconfirmed = await client.post<FailureBody>('api/setup/finish')

    assert.equal(unchecked.status, 409)
    assert.match(unchecked.body.message, /requirements were not checked/)
    assert.equal(unconfirmed.status, 409)
    assert.match(unconfirmed.body.message, /date and time are not confirmed/)
    assert.equal((await state()).isFinished, false)
  })

  it('takes the word that the time is wrong, warns of it, and asks again', async () => {
    await start()
    const { nowMs: shownMs, hostTimeZone: timeZone } = await client.must<ServerTime>('GET', 'api/setup/time')
    await client.must('POST', 'api/setup/time', { isRight: true, shownMs, timeZone })

    const answer = await client.must<ServerTime>('POST', 'api/setup/time', { isRight: false, shownMs, timeZone })

    assert.equal(answer.confirmedMs, undefined)
    const entry = await logged('time-disputed')
    assert.equal(entry?.level, 'warning')
    assert.equal(entry?.username, 'admin')
  })

  it('keeps the zone that the server’s time is shown in', async () => {
    await start()
    const { nowMs: shownMs, timeZones } = await client.must<ServerTime>('GET', 'api/setup/time')
    assert.ok(timeZones.includes('UTC') && timeZones.includes('America/New_York'))

    await client.must('POST', 'api/setup/time', { isRight: true, shownMs, timeZone: 'America/New_York' })
    await test.restart()
    client = await test.administrator()

    assert.equal((await client.must<ServerTime>('GET', 'api/setup/time')).timeZone, 'America/New_York')
  })

  const refused: [what: string, change: object, field: string, says: RegExp][] = [
    ['a zone that is none', { timeZone: 'Mars/Olympus' }, 'timeZone', /IANA/],
    ['a zone that is far too long', { timeZone: 'x'.repeat(65) }, 'timeZone', /64 characters/],
    ['an instant that is none', { shownMs: 1.5 }, 'shownMs', /int/],
    ['no word', { isRight: undefined }, 'isRight', /boolean/],
    ['what it does not know', { ntp: 'on' }, 'ntp', /not known/],
  ]
  for (const [what, change, field, says] of refused) {
    it(`refuses ${what} by its field`, async () => {
      await start()
      const body = { isRight: true, shownMs: Date.now(), timeZone: 'UTC', ...change }

      const answer = await client.post<FailureBody>('api/setup/time', body)

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, says)
    })
  }

  it('takes no word on a time that the clock has left meanwhile', async () => {
    const clock = new FakeClock()
    await start({ clock })
    const { nowMs: shownMs } = await client.must<ServerTime>('GET', 'api/setup/time')

    clock.step(61_000_000)
    const answer = await client.post<FailureBody>('api/setup/time', { isRight: true, shownMs, timeZone: 'UTC' })

    assert.equal(answer.status, 409)
    assert.equal(answer.body.field, 'shownMs')
    assert.match(answer.body.message, /61 s/)
    assert.equal((await client.must<ServerTime>('GET', 'api/setup/time')).confirmedMs, undefined)
  })

  it('doubts a clock that stands before what was logged, or before there was a server', async () => {
    const clock = new FakeClock()
    await start({ clock })
    await test.app.log.flush()
    assert.equal((await client.must<ServerTime>('GET', 'api/setup/time')).doubt, undefined)

    clock.step(-3_600_000_000)
    client = await test.administrator()
    await test.app.log.flush()
    const early = await client.must<ServerTime>('GET', 'api/setup/time')
    clock.step(-clock.utcUs())
    const report = await client.must<RequirementReport>('POST', 'api/setup/requirements')

    assert.match(early.doubt ?? '', /something was logged at 2026-11-22T12:00/)
    const found = report.findings.find(({ name }) => name === 'clock')
    assert.equal(found?.verdict, 'failed')
    assert.match(found?.sentence ?? '', /1970.*before this server was made/)
  })

  it('counts as finished where cameras were there before it, without a checklist', async () => {
    await start()
    await client.must('POST', 'api/cameras', draft)
    await test.app.log.flush()
    await forgetSetup(test)
    await test.restart()
    client = await test.administrator()

    assert.deepEqual(await state(), { isFinished: true, isChecklistShown: false })
  })

  it('is not finished by a camera that was added before its end', async () => {
    await start()
    await client.must('POST', 'api/cameras', draft)
    await test.restart()
    client = await test.administrator()

    assert.equal((await state()).isFinished, false)
  })

  it('is marked as finished for good by NIGHTJAR_SETUP=done', async () => {
    await start({ env: { NIGHTJAR_SETUP: 'done' } })
    assert.deepEqual(await state(), { isFinished: true, isChecklistShown: false })

    await test.restart({ NIGHTJAR_SETUP: 'ask' })
    client = await test.administrator()

    assert.equal((await state()).isFinished, true)
    assert.equal((await client.post('api/setup/finish')).status, 409)
  })

  it('has a checklist that follows what is there, and is dismissed for all', async () => {
    await start()
    const done = async () => {
      const { items } = await client.must<Checklist>('GET', 'api/setup/checklist')
      return items.filter(({ isDone }) => isDone).map(({ name }) => name)
    }
    assert.deepEqual(await done(), [])

    await client.must('POST', 'api/cameras', draft)
    assert.deepEqual(await done(), ['camera'])
    await client.must('POST', 'api/account/password', { current: test.password, next: 'battery staple' })
    assert.deepEqual(await done(), ['password', 'camera'])
    await client.must('PATCH', 'api/setup/checklist', { isShown: false })
    await test.restart()
    test.password = 'battery staple'
    client = await test.administrator()

    assert.equal((await client.must<Checklist>('GET', 'api/setup/checklist')).isShown, false)
    assert.equal((await state()).isChecklistShown, false)
    assert.equal((await logged('checklist-changed'))?.username, 'admin')
  })
})

/** Makes a server's data that of an older version, which kept no setup. */
async function forgetSetup(test: TestApp): Promise<void> {
  const place = { kind: 'sqlite', file: `${test.folder}/data/settings.sqlite` } as const
  const knex = openKnex(place, { durability: 'FULL', hasForeignKeys: true })
  assert.equal(await knex('setting').where({ name: 'setup' }).del(), 1)
  await knex.destroy()
}
