import assert from 'node:assert/strict'
import { readSpace } from '../../../scripts/faults/oracle/space-files.ts'
import { probeSegment } from '../../../scripts/faults/player-check.ts'
import { runScenario } from '../../../scripts/faults/scenario.ts'

const runs = 200

describe('the recorder on a disk that fails', () => {
  it(`keeps every invariant of FORMAT.md in ${runs} crash images`, async function () {
    this.timeout(120_000)
    let fragments = 0
    let deleted = 0
    for (let seed = 1; seed <= runs; seed++) {
      const result = await runScenario(seed)

      const again = `./build.sh faults --runs 1 --seed ${seed} --trace`
      assert.deepEqual(result.problems, [], again)
      fragments += result.fragments
      deleted += result.deleted
    }
    // A rig that lets nothing be recorded or deleted would find nothing either.
    assert.ok(fragments > runs * 20, `${fragments} fragments`)
    assert.ok(deleted > runs, `${deleted} deletions`)
  })

  it('plays the same run again from the same seed', async () => {
    const play = async () => {
      const lines: string[] = []
      await runScenario(12, (line) => lines.push(line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16}/g, 'id')))
      return lines
    }

    const first = await play()

    assert.ok(first.length > 50)
    assert.deepEqual(await play(), first)
  })

  it('leaves files that ffprobe reads to the last sample', async function () {
    this.timeout(60_000)
    const { disk, folder } = await runScenario(3)
    const tree = disk.tree()
    const paths = [...readSpace(tree, folder).segments.keys()]

    assert.ok(paths.length > 0)
    for (const path of paths.slice(0, 8)) {
      assert.equal(await probeSegment(tree.read(`${folder}/${path}`)!), undefined, path)
    }
  })
})
