// A MariaDB server of the bench's own, on a socket in a folder of its own.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabaseAway, openKnex } from '../../../server/db/database.ts'
import { ownChild } from '../own-processes.ts'

const startsWithinSec = 20

/** `use` gets addresses of databases by name, such as `mysql://root@localhost/name?socket=…`. Gone when it is over. */
export async function withMariaDb<T>(use: (url: (name: string) => string) => Promise<T>): Promise<T> {
  // A socket's path must be short: not below the project, which may lie deep.
  const folder = mkdtempSync(path.join(tmpdir(), 'nightjar-bench-'))
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const login = ['--auth-root-authentication-method=normal', '--skip-test-db']
  try {
    execFileSync('mariadb-install-db', ['--no-defaults', ...login, `--datadir=${folder}/data`], { stdio: 'ignore' })
    const files = [`--datadir=${folder}/data`, `--socket=${folder}/socket`, `--pid-file=${folder}/pid`]
    const child = ownChild(
      spawn('mariadbd', ['--no-defaults', ...user, ...files, '--skip-networking'], { stdio: 'ignore' }),
    )
    const ended = once(child, 'exit')
    try {
      const url = (name: string) => `mysql://root@localhost/${name}?socket=${encodeURIComponent(`${folder}/socket`)}`
      await answers(url('mysql'))
      return await use(url)
    } finally {
      child.kill('SIGTERM')
      await ended
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answers(url: string): Promise<void> {
  const knex = openKnex({ kind: 'mysql', url, schema: 'mysql' }, { durability: 'NORMAL', hasForeignKeys: true })
  const until = performance.now() + startsWithinSec * 1000
  try {
    for (;;) {
      try {
        await knex.raw('select 1')
        return
      } catch (error) {
        if (performance.now() > until || !isDatabaseAway(error)) throw error
        await sleep(50)
      }
    }
  } finally {
    await knex.destroy()
  }
}
