// Prints what is found of a folder as a recording place, as JSON. For tests in a mount namespace of their own.
//
// Usage: requirements-of.ts FOLDER
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { measureRequirements } from '../../server/system/requirements.ts'

const volumePath = process.argv[2]!
const place = {
  volumePath,
  mountPoint: volumePath,
  fault: undefined,
  folder: join(volumePath, 'QVRProSpace_x'),
  usedBytes: 0,
}
const findings = await measureRequirements({ place, clockDoubt: undefined }).findings
console.log(JSON.stringify({ findings, left: readdirSync(volumePath) }))
