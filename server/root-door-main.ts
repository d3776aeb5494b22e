// The root door: the small process that does for the server what only root may. Linux only; on a NAS it is not needed.
//
// Usage: root-door-main.ts SOCKET USER-ID GROUP-ID, as root, where the ids are those the server runs under.
import { createLineLog } from './base/line-log.ts'
import { RootDoor } from './host/linux/root-door.ts'
import { RootVerbs } from './host/linux/root-verbs.ts'

const [path = '', ...ids] = process.argv.slice(2)
if (!path.startsWith('/') || ids.length !== 2 || ids.some((id) => !/^\d{1,10}$/.test(id))) {
  console.error('usage: root-door-main.ts SOCKET USER-ID GROUP-ID; SOCKET must be an absolute path')
  process.exit(2)
}
const [userId, groupId] = ids.map(Number) as [number, number]

// The socket is nobody's between its making and its being given away.
process.umask(0o177)
const logger = createLineLog('root-door', 'info')
const door = new RootDoor({ path, userId, groupId, verbs: new RootVerbs({ root: '/', userId, groupId }), logger })
await door.listen()
// Its folders and files have the modes they are made with.
process.umask(0o022)
logger.info(`the root door is at ${path}`)

const stop = () => void door.close().then(() => process.exit(0))
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
