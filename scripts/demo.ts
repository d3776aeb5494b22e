// The demo: four simulated cameras, the server on SQLite, an account. Cameras and recorder live on when the server is
// stopped, so that one can see that recording did not; `demo stop` ends all of it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const dataDir = join(root, '.data/demo')
const camerasPid = join(dataDir, 'cameras.pid')
const serverPid = join(dataDir, 'server.pid')
const camerasInfo = join(dataDir, 'cameras.json')
const node = join(root, 'scripts/node')
const serverProgram = join(root, 'scripts/server')
const port = process.env['NIGHTJAR_PORT'] ?? '8971'

const environment = {
  ...process.env,
  NIGHTJAR_DATA_DIR: dataDir,
  NIGHTJAR_PORT: port,
  NIGHTJAR_VOLUME: join(dataDir, 'volume'),
  NIGHTJAR_SPACE_BYTES: process.env['NIGHTJAR_SPACE_BYTES'] ?? String(8 * 1024 ** 3),
  NIGHTJAR_LOG_LEVEL: process.env['NIGHTJAR_LOG_LEVEL'] ?? 'warn',
  // Its space and its cameras are made by this script: there is nothing to be led through.
  NIGHTJAR_SETUP: process.env['NIGHTJAR_SETUP'] ?? 'done',
}

interface DemoCamera {
  name: string
  title: string
  streams: Record<string, string>
  onvif: { hostname: string; port: number }
}

function isRunning(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

/** The first of so many ports in a row where all of them are free; else 0, for any others that are. */
async function portsFrom(port: number, count: number): Promise<number> {
  for (let one = port; one < port + count; one++) {
    const isFree = await new Promise((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(one, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (!isFree) return 0
  }
  return port
}

/** Finds the simulated cameras of an earlier demo, or starts them. */
async function cameras(): Promise<DemoCamera[]> {
  if (isRunning(camerasPid) === undefined) {
    rmSync(camerasInfo, { force: true })
    console.log('Making the cameras’ pictures (the first time takes a minute) …')
    const out = openSync(camerasInfo, 'w')
    const log = openSync(join(dataDir, 'cameras.log'), 'a')
    // Each has ports of its own, as real ones have: ONVIF is asked by host and port.
    const [rtspPort, httpPort] = [await portsFrom(18554, 4), await portsFrom(18580, 5)]
    const ports = ['--port-per-camera', '--rtsp-port', String(rtspPort), '--http-port', String(httpPort)]
    const child = spawn(node, [join(root, 'scripts/fake-camera.ts'), '--preset', 'demo', ...ports], {
      detached: true,
      stdio: ['ignore', out, log],
    })
    writeFileSync(camerasPid, String(child.pid))
    child.unref()
  }
  for (let tries = 0; tries < 1200; tries++) {
    const text = existsSync(camerasInfo) ? readFileSync(camerasInfo, 'utf8') : ''
    if (text.includes('\n')) return (JSON.parse(text.slice(0, text.indexOf('\n'))) as { cameras: DemoCamera[] }).cameras
    if (isRunning(camerasPid) === undefined) break
    await pause(250)
  }
  throw new Error(`the simulated cameras did not start; see ${join(dataDir, 'cameras.log')}`)
}

function resetPassword(): string {
  const out = execFileSync(serverProgram, ['--reset-admin'], {
    env: environment,
    encoding: 'utf8',
  })
  const password = /password (\S+)/.exec(out)?.[1]
  if (password === undefined) throw new Error(`no password in: ${out}`)
  return password
}

interface DemoServer {
  server: ChildProcess
  url: string
  /** The same under TLS, where HTTPS is on. */
  httpsUrl: string | undefined
  firstPassword: string | undefined
}

async function startServer(): Promise<DemoServer> {
  const server = spawn(serverProgram, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  writeFileSync(serverPid, String(server.pid))
  let text = ''
  return await new Promise((started, failed) => {
    server.once('exit', (code) => failed(new Error(`the server ended with status ${code}`)))
    server.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const url = /Nightjar is at (\S+)/.exec(text)?.[1]
      if (url === undefined) return
      const httpsUrl = /Nightjar under TLS: (\S+)/.exec(text)?.[1]
      const firstPassword = /password (\S+)/.exec(text)?.[1]
      started({ server, url, httpsUrl, firstPassword })
    })
  })
}

/** Adds the simulated cameras by the API, as a person would. */
async function addCameras(url: string, password: string, wanted: DemoCamera[]): Promise<void> {
  const login = await fetch(new URL('api/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  })
  if (!login.ok) throw new Error(`log in: ${login.status} ${await login.text()}`)
  const session = (await login.json()) as { csrfToken: string }
  const headers = {
    'content-type': 'application/json',
    'x-csrf-token': session.csrfToken,
    cookie: login.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; '),
  }
  const known = (await (await fetch(new URL('api/cameras', url), { headers })).json()) as {
    id: string
    name: string
    onvifPort: number
    streams: { url: string }[]
  }[]
  for (const camera of wanted) {
    const existing = known.find((other) => other.name === camera.title)
    const streams = ['main', 'sub']
      .filter((name) => camera.streams[name] !== undefined)
      .map((name, index) => ({ stream: index + 1, url: camera.streams[name], isRecorded: index === 0, hasAudio: true }))
    const { hostname: onvifHost, port: onvifPort } = camera.onvif
    // Simulated cameras that were started anew may have other ports.
    if (existing?.streams[0]?.url === streams[0]?.url && existing?.onvifPort === onvifPort) continue
    const where = { onvifHost, onvifPort, streams }
    const answer = await fetch(new URL(existing === undefined ? 'api/cameras' : `api/cameras/${existing.id}`, url), {
      method: existing === undefined ? 'POST' : 'PATCH',
      headers,
      body: JSON.stringify(
        existing === undefined ? { name: camera.title, brand: 'Nightjar', model: 'Simulated', ...where } : where,
      ),
    })
    if (!answer.ok) throw new Error(`add ${camera.title}: ${answer.status} ${await answer.text()}`)
  }
  await fetch(new URL('api/logout', url), { method: 'POST', headers })
}

async function stopAll(): Promise<void> {
  // The server first: it would start another recorder.
  for (const [what, file] of [
    ['server', serverPid],
    ['recorder', join(dataDir, 'recorder.pid')],
    ['cameras', camerasPid],
  ] as const) {
    const pid = isRunning(file)
    if (pid !== undefined) process.kill(pid, 'SIGTERM')
    // Until it is gone, a demo started now would take it for running.
    for (let tries = 0; tries < 100 && isRunning(file) !== undefined; tries++) await pause(100)
    console.log(`${what}: ${pid === undefined ? 'not running' : 'stopped'}`)
  }
}

function addresses(url: string): string[] {
  const hosts = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const others = hosts.filter((host) => host.family === 'IPv4' && !host.internal).map((host) => host.address)
  const { protocol, port, pathname } = new URL(url)
  return ['127.0.0.1', ...others].map((host) => `${protocol}//${host}:${port}${pathname}`)
}

async function main(): Promise<void> {
  mkdirSync(environment.NIGHTJAR_VOLUME, { recursive: true })
  if (process.argv[2] === 'stop') {
    await stopAll()
    return
  }
  const wanted = await cameras()
  const hasAccount = existsSync(join(dataDir, 'settings.sqlite'))
  const reset = hasAccount ? resetPassword() : undefined
  const { server, url, httpsUrl, firstPassword } = await startServer()
  const password = firstPassword ?? reset
  if (password === undefined) throw new Error('the server printed no password')
  await addCameras(url, password, wanted)
  const [own, ...others] = addresses(url)
  const encrypted = httpsUrl === undefined ? [] : addresses(httpsUrl)
  const lines = (all: string[]) => all.map((address) => `\n                      ${address}`).join('')
  const trustNote =
    encrypted.length === 0
      ? ''
      : '\n  The https addresses have a certificate of the server’s own making: the browser asks once whether to trust it.'
  console.log(`
  Nightjar is ready:  ${own}${lines(others)}${lines(encrypted)}
  Log in as:          admin
  Password:           ${password}
${trustNote}
  Ctrl-C stops the server. Cameras and recorder go on: start the demo again, and no minute is missing.
  ./build.sh demo stop ends them too.
`)
  server.removeAllListeners('exit')
  server.once('exit', (code) => process.exit(code ?? 1))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill('SIGTERM'))
}

main().catch((error: Error) => {
  console.error(`demo: ${error.message}`)
  process.exit(1)
})
