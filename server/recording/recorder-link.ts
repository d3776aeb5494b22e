// What the server needs of the recorder; `RecorderClient` is it.
import type { FromRecorder, RecorderEvent, RecorderSettings } from './recorder-protocol.ts'

export type RecorderStatus = Extract<FromRecorder, { type: 'status' }>
export type RecorderHello = Extract<FromRecorder, { type: 'hello' }>

export interface RecorderLink {
  /** Finds the recorder, or starts one. Resolves when it is connected. */
  start(): Promise<void>
  configure(settings: RecorderSettings): void
  /** `listener` is given events in order; an event is acknowledged when it resolves, and never before. */
  onEvent(listener: (event: RecorderEvent) => Promise<void>): void
  onStatus(listener: (status: RecorderStatus) => void): void
  onEventsLost(listener: () => void): void
  onConnected(listener: (hello: RecorderHello) => void): void
  onDisconnected(listener: () => void): void
  removeFootage(cameraId: string): void
  /** Leaves the recorder running. */
  close(): Promise<void>
}
