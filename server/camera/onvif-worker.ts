// The worker in which one ONVIF conversation runs.
import { parentPort, workerData } from 'node:worker_threads'
import { converse, type OnvifTask } from './onvif-conversation.ts'

parentPort?.postMessage(await converse(workerData as OnvifTask))
