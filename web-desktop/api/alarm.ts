import type { LogEntry } from '../../shared/log.ts'
import type { Alarm } from '../../shared/push.ts'
import { Store } from '../base/store.ts'
import { getJson } from './client.ts'
import { Collection } from './collection.ts'
import { push } from './push.ts'

/** Channels that should record and do not; the server tells all of them at every change. */
export const alarms = new Store<Alarm[]>([])
push.on('alarms', (message) => alarms.set(message.alarms))

/** Warnings and errors of the log, newest first. */
export const notices = new Collection<LogEntry>(
  async () => (await getJson<LogEntry[]>('api/logs?limit=100')).filter((entry) => entry.level !== 'info'),
  (entry) => String(entry.id),
  (a, b) => b.id - a.id,
)
push.on('logged', ({ entry }) => {
  if (entry.level !== 'info') notices.put(entry)
})
