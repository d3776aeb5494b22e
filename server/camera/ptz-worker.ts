// The worker in which one camera is turned: says how opening went, then does what it is told, one thing after the other.
import { parentPort, workerData } from 'node:worker_threads'
import { type PtzCommand, PtzConversation, type PtzTask } from './ptz-conversation.ts'

const conversation = new PtzConversation(workerData as PtzTask)
parentPort?.postMessage(await conversation.open())

let last = Promise.resolve()
parentPort?.on('message', (command: PtzCommand) => {
  last = last.then(async () => parentPort?.postMessage(await conversation.act(command)))
})
