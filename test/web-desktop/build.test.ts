import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { builtDesktop } from './support/built-desktop.ts'

describe('the built desktop', function () {
  this.timeout(120_000)
  let folder = ''
  let html = ''
  const gzipped = new Map<string, number>()

  before(async () => {
    folder = await builtDesktop()
    html = await readFile(join(folder, 'index.html'), 'utf8')
    for (const name of await readdir(join(folder, 'assets'))) {
      gzipped.set(name, gzipSync(await readFile(join(folder, 'assets', name))).length)
    }
  })

  /** The chunks that are fetched with the one whose name begins so, itself included; Lit's own not counted. */
  async function closureOf(part: string): Promise<Set<string>> {
    const first = [...gzipped.keys()].filter((name) => new RegExp(`^${part}-[\\w-]{8}\\.js$`).test(name))
    assert.equal(first.length, 1, `one chunk ${part}: ${first}`)
    const found = new Set<string>()
    const wanted = [...first]
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      if (found.has(name) || name.startsWith('lit-')) continue
      found.add(name)
      const text = await readFile(join(folder, 'assets', name), 'utf8')
      for (const match of text.matchAll(/(?:from|import)\s*"\.\/([\w-]+\.js)"/g)) wanted.push(match[1]!)
    }
    return found
  }

  function weightOf(names: Iterable<string>): number {
    return [...names].reduce((sum, name) => sum + gzipped.get(name)!, 0)
  }

  it('names every file by a relative address, and has no script or style of its own in the page', () => {
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)

    assert.ok(addresses.length >= 3)
    assert.deepEqual(
      addresses.filter((address) => !/^\.\/assets\/[\w-]+\.(js|css)$/.test(address) && address !== 'data:,'),
      [],
    )
    assert.doesNotMatch(html, /<style|style=|<script(?![^>]*src=)/)
  })

  it('asks no other host for anything', async () => {
    const names = [...gzipped.keys()].filter((name) => /\.(js|css)$/.test(name))
    const foreign: string[] = []
    for (const name of names) {
      const text = await readFile(join(folder, 'assets', name), 'utf8')
      const found = text.match(/https?:\/\/[\w.-]+/g) ?? []
      foreign.push(
        // Names of formats, and where a library's own errors say more: nobody fetches them.
        ...found.filter(
          (one) => !/^http:\/\/www\.w3\.org$|^https?:\/\/(json-schema\.org|lit\.dev|simplewebauthn\.dev)/.test(one),
        ),
      )
    }

    assert.deepEqual([...new Set(foreign)], [])
  })

  it('weighs no more than its budget', async () => {
    const index = [...gzipped.keys()].find((name) => name.startsWith('index-'))!.replace(/-[\w-]{8}\.js$/, '')
    const shell = new Set<string>()
    for (const part of ['main', 'nj-desktop', index]) for (const name of await closureOf(part)) shell.add(name)

    assert.ok(weightOf(shell) <= 40 * 1024, `shell: ${weightOf(shell)} bytes`)
    for (const app of ['nj-cameras', 'nj-live-view', 'nj-playback']) {
      const own = [...(await closureOf(app))].filter((name) => !shell.has(name))
      assert.ok(own.length > 0 && weightOf(own) <= 35 * 1024, `${app}: ${weightOf(own)} bytes`)
    }
  })

  it('shows the login without the desktop, in 15 KB', async () => {
    const login = new Set([...(await closureOf('main')), ...(await closureOf('nj-login'))])

    assert.ok(weightOf(login) <= 15 * 1024, `login: ${weightOf(login)} bytes`)
  })
})
