// What the installer says before it looks at the machine, under whatever shell runs it.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readConfig } from '../../server/config.ts'

const folder = resolve(import.meta.dirname, '../../scripts/linux')
const scripts = readdirSync(folder)
  .filter((file) => file.endsWith('.sh'))
  .map((file) => join(folder, file))
const install = join(folder, 'install.sh')
const shells = [['dash'], ['bash'], ['busybox', 'sh']]

const refused: [args: string[], says: RegExp][] = [
  [['--prot', '1'], /there is no option --prot; see install\.sh --help/],
  [['--port'], /--port: needs a value/],
  [['--port', '0'], /--port: must be a whole number from 1 to 65535, not 0/],
  [['--port', '65536'], /--port: must be a whole number from 1 to 65535, not 65536/],
  [['--port', '80a'], /--port: must be a whole number from 1 to 65535, not 80a/],
  [['--https-port', 'on'], /--https-port: must be a whole number from 1 to 65535, or off, not on/],
  [['--port', '443', '--https-port', '443'], /--https-port: must be another than --port, 443/],
  [['--prefix', 'opt/nightjar'], /--prefix: must begin with \/ and be no root of the machine, not opt\/nightjar/],
  [['--prefix', '/'], /--prefix: must begin with \/ and be no root/],
  [['--data', '/var/lib/my data'], /--data: may hold letters, digits and \/ \. _ \+ - only/],
  [['--data', '/var/lib/../x'], /--data: must be without \. and \.\./],
  [['--data', '/var/lib/x/'], /--data: must be without .* closing \//],
  [['--data', '/tmp/nightjar'], /--data: \/tmp\/nightjar is the system's own, or is emptied by it/],
  [['--prefix', '/home/anna/nightjar'], /--prefix: must not be in a home/],
  [['--database', 'postgres://h/x'], /--database: must be sqlite or mysql:/],
  [['--database', 'mysql://u:hunter 2@h/x'], /--database: write what is no letter or digit in the password as %/],
  [['--space', 'footage'], /--space: must begin with \//],
  [['--port', '80', '--uninstall'], /--uninstall: must be the first option/],
  [['--uninstall', '--remove-footage'], /--remove-footage, --yes-remove: only with --remove-data/],
  [['--uninstall', '--remove-data', '--yes-remove'], /--yes-remove: needs the name of this machine/],
]

describe('the installer', () => {
  it('is POSIX, as shellcheck sees it', () => {
    const { status, stdout } = spawnSync('shellcheck', ['-s', 'sh', ...scripts], { encoding: 'utf8' })

    assert.equal(status, 0, stdout)
  })

  for (const shell of shells) {
    const run = (args: string[], input = '') => {
      const { status, stdout, stderr } = spawnSync(shell[0]!, [...shell.slice(1), install, ...args], {
        encoding: 'utf8',
        input,
      })
      return { status, stdout, stderr }
    }

    it(`refuses by name and limit what it cannot do, under ${shell.join(' ')}`, () => {
      for (const [args, says] of refused) {
        // The uninstaller is beside it in an archive, and here too.
        const real = args[0] === '--uninstall' ? [join(folder, 'uninstall.sh'), ...args.slice(1)] : undefined
        const { status, stderr } =
          real === undefined ? run(args) : spawnSync(shell[0]!, [...shell.slice(1), ...real], { encoding: 'utf8' })

        assert.equal(status, 2, `${args.join(' ')}: ${stderr}`)
        assert.match(stderr, says)
        assert.ok(!stderr.includes('hunter'), stderr)
      }
    })

    it(`takes a database from its input, and shows no password of it, under ${shell.join(' ')}`, () => {
      const { status, stderr } = run(['--database', '-'], 'mysql://u:hunter"2@h/x\n')

      assert.equal(status, 2)
      assert.match(stderr, /--database: write what is no letter/)
      assert.ok(!stderr.includes('hunter'), stderr)
    })

    it(`tells its options, and is understood as a whole, by ${shell.join(' ')}`, () => {
      for (const script of scripts) execFileSync(shell[0]!, [...shell.slice(1), '-n', script])

      const { status, stdout } = run(['--help'])

      assert.equal(status, 0)
      for (const option of ['prefix', 'data', 'port', 'https-port', 'database', 'space', 'force', 'uninstall']) {
        assert.ok(stdout.includes(`  --${option} `), option)
      }
    })
  }
})

describe('the settings that are installed', () => {
  const text = readFileSync(join(folder, 'nightjar.env'), 'utf8')
  const entries = [...text.matchAll(/^#?(NIGHTJAR_[A-Z_]+)=(.*)$/gm)].map(([, key, value]) => [key!, value!] as const)

  it('name every key of the configuration but those that a unit or the tree decides', () => {
    const source = readFileSync(resolve(folder, '../../server/config.ts'), 'utf8')
    const known = new Set([...source.matchAll(/reader\.\w+\('(NIGHTJAR_[A-Z_]+)'/g)].map((match) => match[1]!))
    for (const key of ['NIGHTJAR_RECORDER', 'NIGHTJAR_DESKTOP_DIR', 'NIGHTJAR_NODE']) known.delete(key)

    assert.deepEqual(entries.map(([key]) => key).sort(), [...known].sort())
  })

  it('say the defaults', () => {
    const databases = ['NIGHTJAR_DATABASE_URL', 'NIGHTJAR_INDEX_DATABASE_URL']
    const env = Object.fromEntries(entries.filter(([key]) => !databases.includes(key)))
    const data = { NIGHTJAR_DATA_DIR: '/var/lib/nightjar' }

    const { isPortGiven, isHttpsPortGiven, ...told } = readConfig(env)
    const { isPortGiven: _port, isHttpsPortGiven: _httpsPort, ...byDefault } = readConfig(data)

    assert.deepEqual([isPortGiven, isHttpsPortGiven], [true, true])
    assert.deepEqual(told, byDefault)
    for (const key of databases) {
      assert.equal(readConfig(Object.fromEntries(entries))[keyOf(key)].kind, 'mysql')
    }
  })
})

function keyOf(key: string): 'settingsDatabase' | 'indexDatabase' {
  return key === 'NIGHTJAR_DATABASE_URL' ? 'settingsDatabase' : 'indexDatabase'
}
