// The package as it is delivered: what it brings along has to do, on a machine that has nothing.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import { architectures } from '../../scripts/package/architecture.ts'
import { type LaidTree, layTree } from '../../scripts/package/lay-tree.ts'
import { check } from '../../scripts/qpkg/check.ts'
import { type PackedFile, pack } from '../../scripts/qpkg/pack.ts'
import type { Camera } from '../../shared/camera.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import { BareRoot } from '../support/bare-root.ts'
import { QtsRoot } from '../support/nas/qts-root.ts'
import { install, qpkgFolder } from '../support/nas/test-package.ts'
import { TestClient } from '../support/test-client.ts'
import { makeTestFolder } from '../support/test-folder.ts'

const cache = resolve(import.meta.dirname, '../../.cache/package')
const architecture = process.arch === 'x64' ? 'x86_64' : 'arm64'
/** What App Center takes at most from us, in bytes. */
const largestBytes = 160e6

describe('the package', function () {
  this.timeout(600_000)
  let tree: LaidTree

  before(async () => {
    tree = await layTree(join(cache, `tree-${architecture}`), architectures[architecture]!, cache)
  })

  it('names the licence and the source of everything it brings along', () => {
    const sources = readFileSync(join(tree.folder, 'licenses/SOURCES.txt'), 'utf8')

    for (const name of ['Node.js 24', 'ffmpeg 7:5.1', 'libc6 2.36', 'libx264-164', 'express 5', 'better-sqlite3 13']) {
      assert.ok(sources.includes(name), name)
    }
    const packages = [...sources.matchAll(/^ {2}(\S+) \S+: source package/gm)].map(([, name]) => name!)
    const without = packages.filter((name) => !existsSync(join(tree.folder, 'licenses/debian', name)))
    assert.deepEqual(without, [])
  })

  it('brings nothing of another machine, and nothing for developers', () => {
    const files = readdirSync(join(tree.folder, 'app'), { recursive: true, encoding: 'utf8' })

    const unwanted = files.filter((file) =>
      /\.map$|(darwin|win32|musl).*\.node$|\/typescript\/|\/mocha\/|\.d\.ts$/.test(file),
    )
    assert.deepEqual(unwanted, [])
    assert.ok(files.includes('dist/web-desktop/index.html'))
  })

  describe('in a root that has a static busybox and no more', () => {
    const root = new BareRoot()
    let farm: CameraFarm
    let client: TestClient

    before(async () => {
      farm = await startCameras({ cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'hour' }] }] })
      const script = `NIGHTJAR_PORT=0 NIGHTJAR_HOST=127.0.0.1 NIGHTJAR_HTTPS_PORT=off NIGHTJAR_DATA_DIR=/data
        NIGHTJAR_VOLUME=/data NIGHTJAR_SPACE_BYTES=${1024 ** 3} NIGHTJAR_SETUP=done
        export NIGHTJAR_PORT NIGHTJAR_HOST NIGHTJAR_HTTPS_PORT NIGHTJAR_DATA_DIR NIGHTJAR_VOLUME NIGHTJAR_SPACE_BYTES NIGHTJAR_SETUP
        exec "/opt/a nightjar/bin/nightjar-server"`
      let password = ''
      for await (const line of root.run(script, tree.folder, 'opt/a nightjar')) {
        password = /password (\S+)/.exec(line)?.[1] ?? password
        const url = /Nightjar is at (\S+)/.exec(line)?.[1]
        if (url === undefined) continue
        client = new TestClient(url)
        break
      }
      assert.equal((await client.logIn('admin', password)).status, 200)
    })

    after(async () => {
      await root.stop()
      await farm?.close()
    })

    it('records a camera, gives a picture and a movie of it, and serves the desktop', async () => {
      const streams = [{ stream: 1, url: farm.rtspUrl('cam1', 'main') }]
      const { id } = await client.must<Camera>('POST', 'api/cameras', { name: 'Gate', streams })
      const isRecorded = async () =>
        (await client.get<StreamHealth[]>('api/health')).body.some((stream) => stream.isRecording)
      while (!(await isRecorded())) await sleep(100)
      const beganMs = Date.now()
      await sleep(2500)
      const picture = await fetch(new URL(`api/cameras/${id}/live.jpg?widthPx=320`, client.url), {
        headers: { cookie: client.cookie },
      })
      const range = `fromMs=${beganMs}&toMs=${beganMs + 1500}`
      const movie = await fetch(new URL(`api/cameras/${id}/streams/1/clip.mp4?${range}`, client.url), {
        headers: { cookie: client.cookie },
      })
      const page = await client.get<string>('')

      assert.equal(picture.status, 200)
      assert.deepEqual([...new Uint8Array(await picture.arrayBuffer()).subarray(0, 2)], [0xff, 0xd8])
      const bytes = Buffer.from(await movie.arrayBuffer())
      assert.equal(movie.status, 200, bytes.toString())
      assert.equal(bytes.toString('latin1', 4, 8), 'ftyp')
      assert.ok(bytes.length > 10_000, `${bytes.length} bytes`)
      assert.match(page.body, /<nj-desktop|<script/)
    })

    it('starts every program through its own loader, and puts no libraries in anybody’s way', () => {
      const programs = new Set<string>()
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          if (readlinkSync(`/proc/${pid}/root`) !== root.folder) continue
          const [loader, , , program] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
          if (loader?.includes('ld-linux')) programs.add(program!.slice(program!.lastIndexOf('/') + 1))
          const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
          assert.doesNotMatch(environment, /LD_LIBRARY_PATH|LD_PRELOAD/)
        } catch (error) {
          // It ended meanwhile.
          if ((error as NodeJS.ErrnoException).code === undefined) throw error
        }
      }
      assert.ok(programs.has('node'), [...programs].join())
    })
  })

  describe('for a NAS', () => {
    let packed: PackedFile
    let nas: QtsRoot | undefined

    before(async () => {
      packed = await pack({
        sourceFolder: qpkgFolder,
        outFolder: makeTestFolder(),
        architecture: architectures[architecture]!.qpkg,
        additions: readdirSync(tree.folder).map((name) => ({ source: join(tree.folder, name), destination: name })),
        builtOn: '20260102',
      })
    })

    after(async () => await nas?.stop())

    it('has at most 160 MB, and nothing that the checker finds', async () => {
      assert.deepEqual((await check(packed.path)).findings, [])
      assert.ok(statSync(packed.path).size <= largestBytes, `${statSync(packed.path).size} bytes`)
    })

    it('installs by its own scripts, answers at its path, and goes again', async () => {
      const port = 20_000 + (process.pid % 10_000)
      nas = new QtsRoot()
      nas.write(
        '/etc/config/nightjar.conf',
        `NIGHTJAR_DATA_DIR=/share/CACHEDEV1_DATA/NightjarData\nNIGHTJAR_PORT=${port}\n`,
      )
      mkdirSync(nas.path('/share/CACHEDEV1_DATA/NightjarData'))

      const installed = await install(nas, packed)
      const answer = await fetch(`http://127.0.0.1:${port}/qvrpro/`)
      // The recorder tells its number once it has loaded.
      let status = await nas.run('/etc/init.d/nightjar.sh status')
      for (let tries = 0; status.output.includes('recorder none') && tries < 50; tries++) {
        await sleep(200)
        status = await nas.run('/etc/init.d/nightjar.sh status')
      }
      const removed = await nas.run('/share/CACHEDEV1_DATA/.qpkg/Nightjar/.uninstall.sh')

      assert.equal(nas.progress, '3', installed.output)
      assert.equal(answer.status, 200)
      assert.match(status.output, /server \d+, recorder \d+/)
      assert.equal(removed.code, 0, removed.output)
      assert.ok(!existsSync(nas.path('/share/CACHEDEV1_DATA/.qpkg/Nightjar')))
      assert.ok(existsSync(nas.path('/share/CACHEDEV1_DATA/NightjarData/settings.sqlite')))
    })
  })
})
