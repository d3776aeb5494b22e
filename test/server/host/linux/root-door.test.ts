import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { createLineLog } from '../../../../server/base/line-log.ts'
import { RootClient } from '../../../../server/host/linux/root-client.ts'
import { RootDoor } from '../../../../server/host/linux/root-door.ts'
import { parseRootRequest } from '../../../../server/host/linux/root-protocol.ts'
import { RootVerbs } from '../../../../server/host/linux/root-verbs.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

const [userId, groupId] = [process.getuid!(), process.getgid!()]

describe('root door', () => {
  let root: string
  let path: string
  let door: RootDoor
  beforeEach(async () => {
    root = makeTestFolder()
    path = join(root, 'root.sock')
    mkdirSync(join(root, 'usr/bin'), { recursive: true })
    mkdirSync(join(root, 'usr/share/zoneinfo/Europe'), { recursive: true })
    mkdirSync(join(root, 'etc'))
    writeFileSync(join(root, 'usr/share/zoneinfo/Europe/Berlin'), 'TZif2')
    writeFileSync(join(root, 'usr/share/zoneinfo/Europe/tables'), '# no zone')
    program('systemctl', 'echo "$1" >"$(dirname "$0")/asked"')
    door = openDoor(path)
    await door.listen()
  })
  afterEach(() => door.close())

  function openDoor(at: string): RootDoor {
    const verbs = new RootVerbs({ root, userId, groupId })
    return new RootDoor({ path: at, userId, groupId, verbs, logger: createLineLog('root-door', 'silent') })
  }

  function program(name: string, script: string): void {
    writeFileSync(join(root, 'usr/bin', name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(root, 'usr/bin', name), 0o755)
  }

  const client = () => new RootClient(path, userId)
  const asked = () => readFileSync(join(root, 'usr/bin/asked'), 'utf8').trim()

  /** Sends bytes as they are, and gives what comes back. */
  function say(text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(path)
      let answer = ''
      socket.on('data', (chunk) => {
        answer += chunk.toString()
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', () => {})
      socket.write(text)
    })
  }

  it('is a socket that its user alone may use', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(path).uid, userId)
  })

  it('restarts and shuts down by systemd', async () => {
    const restarted = await client().ask({ verb: 'restart' })
    const first = asked()
    const shutDown = await client().ask({ verb: 'shutdown' })

    assert.deepEqual([restarted.isFound, first, shutDown.isFound, asked()], [true, 'reboot', true, 'poweroff'])
  })

  it('says why systemd would not', async () => {
    program('systemctl', 'echo "Interactive authentication required." >&2; exit 1')

    assert.deepEqual(await client().ask({ verb: 'restart' }), {
      isFound: false,
      kind: 'refused',
      reason: 'restart: run systemctl: status 1 Interactive authentication required.',
    })
  })

  it('sets the time zone as a link where there is no systemd', async () => {
    writeFileSync(join(root, 'etc/timezone'), 'Etc/UTC\n')
    symlinkSync('/usr/share/zoneinfo/Etc/UTC', join(root, 'etc/localtime'))

    const set = await client().ask({ verb: 'set-time-zone', zone: 'Europe/Berlin' })

    assert.equal(set.isFound, true)
    assert.equal(readlinkSync(join(root, 'etc/localtime')), '/usr/share/zoneinfo/Europe/Berlin')
    assert.equal(readFileSync(join(root, 'etc/timezone'), 'utf8'), 'Europe/Berlin\n')
  })

  it('sets the time zone by systemd where it runs', async () => {
    mkdirSync(join(root, 'run/systemd/system'), { recursive: true })
    program('timedatectl', 'echo "$*" >"$(dirname "$0")/asked"')

    await client().ask({ verb: 'set-time-zone', zone: 'Europe/Berlin' })

    assert.equal(asked(), 'set-timezone Europe/Berlin')
  })

  for (const zone of ['Europe/Paris', 'Europe/tables', '../../etc/shadow', '/etc/passwd', '', '-x', 'a/b/c/d']) {
    it(`knows no time zone ${JSON.stringify(zone)}`, async () => {
      const set = await client().ask({ verb: 'set-time-zone', zone })

      assert.equal(!set.isFound && set.kind, 'refused')
      assert.equal(existsSync(join(root, 'etc/localtime')), false)
    })
  }

  const nonsense = [
    '\n',
    '{}\n',
    'restart\n',
    '{"verb":"run","command":"id"}\n',
    '{"verb":"set-time-zone"}\n',
    'x'.repeat(5000),
  ]
  for (const text of nonsense) {
    it(`does nothing for ${JSON.stringify(text.slice(0, 40))}`, async () => {
      const answer = JSON.parse(await say(text)) as { isDone: boolean }

      assert.equal(answer.isDone, false)
      assert.equal(existsSync(join(root, 'usr/bin/asked')), false)
    })
  }

  it('takes of a request what belongs to its verb alone', () => {
    assert.deepEqual(parseRootRequest('{"verb":"restart","path":"/etc"}'), { verb: 'restart' })
    assert.equal(parseRootRequest('{"verb":"make-space-folder","path":["/a"]}'), undefined)
    assert.equal(parseRootRequest('null'), undefined)
  })

  it('is not opened where others could change it', async () => {
    mkdirSync(join(root, 'open'))
    chmodSync(join(root, 'open'), 0o777)
    writeFileSync(join(root, 'file'), '')

    await assert.rejects(openDoor(join(root, 'open/root.sock')).listen(), { kind: 'invalid' })
    await assert.rejects(openDoor(join(root, 'file')).listen(), { kind: 'invalid' })
  })

  it('is not asked where somebody else could have made it', async () => {
    chmodSync(dirname(path), 0o777)
    const open = await client().ask({ verb: 'restart' })
    chmodSync(dirname(path), 0o700)
    const foreign = await new RootClient(path, userId + 1).ask({ verb: 'restart' })

    for (const finding of [open, foreign]) assert.equal(!finding.isFound && finding.kind, 'denied')
    assert.equal(existsSync(join(root, 'usr/bin/asked')), false)
  })
})

describe('root door as a process', () => {
  const program = join(import.meta.dirname, '../../../../server/root-door-main.ts')

  it('makes a space’s folder on a mounted volume for the server’s user, and lets nobody else in', () => {
    const script = join(import.meta.dirname, '../../../support/root-door-folders.ts')
    const noMocha = join(import.meta.dirname, '../../../support/no-mocha.mjs')
    const asRoot = userId === 0 ? [] : ['--map-auto', '--map-root-user']
    const output = execFileSync(
      'unshare',
      [...asRoot, '-m', process.execPath, '--import', noMocha, script, program, makeTestFolder()],
      { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
    )
    const lines = output.split('\n').filter((line) => line.startsWith('['))
    const findings = Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, string]))

    assert.deepEqual(findings, {
      'knocking as 4321': 'let in',
      'knocking as 4322': 'EACCES',
      'a new folder': 'found, of 4321:4321, mode 750',
      'the same again': 'found, of 4321:4321, mode 750',
      'somebody else’s': 'path: /mnt/volume/QVRProSpace_other is there already',
      'not on a volume': 'path: no volume is mounted at /mnt/volume/folder',
      'on a volume that others may write to': 'path: others than root may write to /mnt/open',
      'by a link': 'path: /mnt/link is no folder',
      'by a link above': 'path: no volume is mounted at /mnt/up/volume',
      'under another name':
        'path: must end in QVRProSpace_ or NightjarSpace_ and a name of 1 to 64 letters, digits, . _ - or spaces',
      'with ..': 'path: must be absolute, without . and .., and on a volume other than /',
      'directly on /': 'path: must be absolute, without . and .., and on a volume other than /',
    })
  })

  for (const args of [[], ['relative.sock', '1', '1'], ['/tmp/x.sock', 'alice', '1'], ['/tmp/x.sock', '1']]) {
    it(`ends with its usage where it is started with ${JSON.stringify(args)}`, async () => {
      const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr!.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      const code = await new Promise((resolve) => child.once('close', resolve))

      assert.equal(code, 2)
      assert.match(said, /^usage: root-door-main.ts SOCKET USER-ID GROUP-ID/)
    })
  }
})
