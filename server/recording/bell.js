// @ts-check
// The recorder's bell: wakes its napping thread when a byte, or a connection, comes over a Unix socket. JavaScript, as
// `write-ring.js` says.
import { unlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { workerData } from 'node:worker_threads'

const { bell, path } = /** @type {{ bell: Int32Array, path: string }} */ (workerData)

const ring = () => {
  Atomics.store(bell, 0, 1)
  Atomics.notify(bell, 0)
}

try {
  unlinkSync(path)
} catch {
  // None was left behind.
}
const server = createServer((socket) => {
  ring()
  socket.on('data', ring)
  socket.on('error', () => socket.destroy())
})
server.listen(path)
