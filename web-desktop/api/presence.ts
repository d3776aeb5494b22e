// Tells the server that somebody is here who asks for nothing: who watches and moves the mouse is not idle.
import { isAttended } from '../base/activity.ts'
import { getJson } from './client.ts'

const everyMs = 60_000

/** Says so once a minute, while there is input, for as long as the page lives. */
export function startPresence(): void {
  setInterval(() => {
    // Where it fails, the next request that matters tells why.
    if (isAttended()) getJson('api/session').catch(() => undefined)
  }, everyMs)
}
