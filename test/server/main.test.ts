import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Session } from '../../shared/account.ts'
import type { FailureBody } from '../../shared/failure.ts'
import type { Space } from '../../shared/space.ts'
import type { SystemStatus } from '../../shared/system.ts'
import { TestClient } from '../support/test-client.ts'
import { makeTestFolder } from '../support/test-folder.ts'

interface Outcome {
  code: number | null
  lines: string[]
}

/** A server process of its own, recorder and all. */
class Process {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting: (() => void)[] = []
  readonly ended: Promise<Outcome>

  constructor(folder: string, env: Record<string, string> = {}, args: string[] = []) {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, '../../server/main.ts'), ...args], {
      env: {
        PATH: process.env['PATH'],
        NIGHTJAR_PORT: '0',
        NIGHTJAR_HTTPS_PORT: 'off',
        NIGHTJAR_HOST: '127.0.0.1',
        NIGHTJAR_DATA_DIR: folder,
        NIGHTJAR_SPACE_BYTES: String(256 * 1024 * 1024),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.#lines.push(line)
        for (const wake of this.#waiting.splice(0)) wake()
      })
    }
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve({ code, lines: this.#lines })))
  }

  /** What follows `before` in the first line that has it. */
  async find(before: string): Promise<string> {
    for (;;) {
      const line = this.#lines.find((one) => one.includes(before))
      if (line !== undefined) return line.slice(line.indexOf(before) + before.length)
      const isOver = await Promise.race([
        new Promise<false>((resolve) => this.#waiting.push(() => resolve(false))),
        this.ended.then(() => true),
      ])
      if (isOver) throw new Error(`the server ended: ${this.#lines.join('\n')}`)
    }
  }

  /** Lines that came so far are not looked at again. */
  forget(): void {
    this.#lines.length = 0
  }

  stop(): Promise<Outcome> {
    this.#child.kill('SIGTERM')
    return this.ended
  }
}

const firstLogin = 'Nightjar first login: user admin, password '

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the server process', function () {
  this.timeout(60_000)

  it('prints a one-time password once, stops on SIGTERM with a desktop open, and leaves the recorder running', async () => {
    const folder = makeTestFolder()
    const first = new Process(folder)
    const password = await first.find(firstLogin)
    const client = new TestClient(await first.find('Nightjar is at '))
    assert.equal((await client.logIn('admin', password)).status, 200)
    const push = client.socket('api/push')
    await push.next('hello')
    let status = await client.must<SystemStatus>('GET', 'api/system/status')
    while (!status.recorder.isConnected) status = await client.must<SystemStatus>('GET', 'api/system/status')
    const pid = status.recorder.pid!

    try {
      const stopped = await first.stop()
      assert.equal(stopped.code, 0)
      assert.equal(isAlive(pid), true)

      const second = new Process(folder)
      const again = new TestClient(await second.find('Nightjar is at '))
      assert.equal((await again.logIn('admin', password)).status, 200)
      status = await again.must<SystemStatus>('GET', 'api/system/status')
      while (!status.recorder.isConnected) status = await again.must<SystemStatus>('GET', 'api/system/status')
      assert.equal(status.recorder.pid, pid)
      const { code, lines } = await second.stop()
      assert.equal(code, 0)
      assert.ok(!lines.some((line) => line.includes(firstLogin)))

      const reset = await new Process(folder, {}, ['--reset-admin']).ended
      const line = reset.lines.find((one) => one.startsWith(firstLogin))
      assert.equal(reset.code, 0)
      const third = new Process(folder)
      const last = new TestClient(await third.find('Nightjar is at '))
      last.cookie = again.cookie
      assert.equal((await last.get('api/session')).status, 401)
      assert.equal((await last.logIn('admin', password)).status, 401)
      assert.equal((await last.logIn('admin', line!.slice(firstLogin.length))).status, 200)
      assert.equal((await last.get<Session>('api/session')).body.mustChangePassword, true)
      await third.stop()
    } finally {
      process.kill(pid, 'SIGTERM')
      while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal(statSync(join(folder, 'settings.sqlite')).mode & 0o777, 0o600)
    assert.ok(!readFileSync(join(folder, 'settings.sqlite')).includes(password))
  })

  it('restarts with its recorder and stops with it where an administrator asks, and has no machine to restart here', async () => {
    const server = new Process(makeTestFolder())
    const password = await server.find(firstLogin)
    const recorderOf = async (client: TestClient): Promise<number> => {
      for (;;) {
        const { recorder } = await client.must<SystemStatus>('GET', 'api/system/status')
        if (recorder.isConnected) return recorder.pid!
      }
    }
    const client = new TestClient(await server.find('Nightjar is at '))
    await client.logIn('admin', password)
    const before = await recorderOf(client)
    server.forget()

    const machine = await client.post('api/system/power', { action: 'shut-down-machine', password })
    const restarted = await client.post('api/system/power', { action: 'restart-service', password, reason: 'a try' })
    const again = new TestClient(await server.find('Nightjar is at '))
    again.cookie = client.cookie
    again.token = client.token
    const after = await recorderOf(again)
    const stopped = await again.post('api/system/power', { action: 'stop-service', password })
    const { code } = await server.ended

    assert.deepEqual([machine.status, restarted.status, stopped.status, code], [409, 204, 204, 0])
    assert.deepEqual([isAlive(before), isAlive(after)], [false, false])
    assert.notEqual(after, before)
  })

  it('removes all data where an administrator types the server’s name, and nothing that is somebody else’s', async () => {
    const folder = makeTestFolder()
    const [dataDir, volume] = [join(folder, 'data'), join(folder, 'volume')]
    const server = new Process(dataDir, { NIGHTJAR_VOLUME: volume })
    const password = await server.find(firstLogin)
    const client = new TestClient(await server.find('Nightjar is at '))
    await client.logIn('admin', password)
    const { serverName } = await client.must<SystemStatus>('GET', 'api/system/status')
    const [space] = await client.must<Space[]>('GET', 'api/spaces')
    while (!existsSync(join(space!.folder, '.nightjar-space'))) await new Promise((resolve) => setTimeout(resolve, 20))
    writeFileSync(join(volume, 'somebody-else.txt'), '')
    writeFileSync(join(dataDir, 'notes.txt'), '')

    const wrongName = await client.post<FailureBody>('api/system/removal', { password, serverName: 'other' })
    const wrongPassword = await client.post<FailureBody>('api/system/removal', { password: 'no', serverName })
    const done = await client.post('api/system/removal', { password, serverName })
    const { code } = await server.ended

    assert.deepEqual([wrongName.status, wrongName.body.field], [400, 'serverName'])
    assert.deepEqual([wrongPassword.status, wrongPassword.body.field], [400, 'password'])
    assert.deepEqual(done.body, { spaces: [{ name: 'Default', folder: space!.folder, isRemoved: true }] })
    assert.equal(code, 0)
    assert.deepEqual([readdirSync(volume), readdirSync(dataDir)], [['somebody-else.txt'], ['notes.txt']])
  })

  it('refuses a setting that does not do, by its name and limit, and starts nothing', async () => {
    const { code, lines } = await new Process(makeTestFolder(), { NIGHTJAR_FLUSH_SEC: '61' }).ended

    assert.equal(code, 1)
    assert.match(lines.join('\n'), /NIGHTJAR_FLUSH_SEC: must be a whole number from 1 to 60, not "61"/)
  })
})
