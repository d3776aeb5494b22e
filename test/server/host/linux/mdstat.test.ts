import assert from 'node:assert/strict'
import { parseMdstat } from '../../../../server/host/linux/mdstat.ts'

const mdstat = `Personalities : [raid1] [raid6] [raid5] [raid4]
md0 : active raid5 sdd1[3] sdc1[2] sdb1[1] sda1[0]
      2929886208 blocks super 1.2 level 5, 512k chunk, algorithm 2 [4/4] [UUUU]
      bitmap: 0/8 pages [0KB], 65536KB chunk

md1 : active raid1 sdf1[1](F) sde1[0]
      976630464 blocks super 1.2 [2/1] [U_]

md2 : active (auto-read-only) raid5 sdi1[4] sdh1[1] sdg1[0]
      1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
      [=>...................]  recovery =  8.5% (83040972/976630272) finish=91.2min speed=163204K/sec

md3 : inactive sdj1[0](S)
      976630464 blocks super 1.2

md4 : active raid1 sdl1[1] sdk1[0]
      976630464 blocks super 1.2 [2/2] [UU]
      [==>..................]  check = 12.6% (123456/976630464) finish=80.0min speed=100000K/sec

md5 : active raid0 sdn1[1] sdm1[0]
      1953260544 blocks super 1.2 512k chunks

unused devices: <none>
`

describe('mdstat', () => {
  const cases: [name: string, level: string, state: string, detail: string][] = [
    ['md0', 'raid5', 'good', ''],
    ['md1', 'raid1', 'degraded', '1 of 2 disks'],
    ['md2', 'raid5', 'rebuilding', 'recovery 8.5%'],
    ['md3', '', 'failed', 'inactive'],
    ['md4', 'raid1', 'good', 'check 12.6%'],
    ['md5', 'raid0', 'good', ''],
  ]
  for (const [name, level, state, detail] of cases) {
    it(`has ${name} ${state} ${detail}`.trim(), () => {
      assert.deepEqual(parseMdstat(mdstat).get(name), { level, state, detail })
    })
  }

  it('has nothing where there is no array', () => {
    assert.equal(parseMdstat('Personalities :\nunused devices: <none>\n').size, 0)
    assert.equal(parseMdstat('').size, 0)
  })
})
