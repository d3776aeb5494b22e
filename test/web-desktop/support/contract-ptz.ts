// The contract of shared/ptz.ts, over the head of a simulated camera; the server's end of moves that nobody renews too.
import { MAX_PRESETS, type PtzHead } from '../../../scripts/cameras/ptz-head.ts'
import { Failure } from '../../../shared/failure.ts'
import { type PtzAbilities, ptzPresetDraft, ptzSpeeds } from '../../../shared/ptz.ts'
import { ptzHoldMs } from '../../../shared/ptz-limits.ts'

/** Answers `POST ptz/move` and what else there is; a camera without a head has none. */
export function answerPtz(
  head: PtzHead | undefined,
  route: string,
  body: unknown,
): { status: number; answer?: unknown } {
  if (head === undefined) {
    if (route !== 'GET ptz') throw new Failure('conflict', 'turn: its ONVIF service has no PTZ')
    const none: PtzAbilities = { hasPtz: false, reason: 'no-ptz', detail: 'its ONVIF service has no PTZ' }
    return { status: 200, answer: none }
  }
  const axes = { canPan: true, canTilt: true, canZoom: true }
  const abilities: PtzAbilities = { hasPtz: true, ...axes, hasHome: true, maxPresets: MAX_PRESETS }
  const [, token = '', end] = /^\w+ ptz\/presets\/([^/]+)(\/go)?$/.exec(route) ?? []
  switch (token === '' ? route : route.split(' ')[0]) {
    case 'GET ptz':
      return { status: 200, answer: abilities }
    case 'POST ptz/move':
      head.move(ptzSpeeds.parse(body), ptzHoldMs)
      return { status: 204 }
    case 'POST ptz/stop':
      head.stop()
      return { status: 204 }
    case 'POST ptz/home':
      head.goHome()
      return { status: 204 }
    case 'GET ptz/presets':
      return { status: 200, answer: head.presets }
    case 'POST ptz/presets': {
      const { name } = ptzPresetDraft.parse(body)
      const saved = head.savePreset(name, head.presets.find((one) => one.name === name)?.token)
      if (!('token' in saved)) throw new Failure('conflict', 'save a preset of Yard: the camera refuses: it is full')
      return { status: 201, answer: { token: saved.token, name } }
    }
    case 'POST':
      if (end === undefined || !head.goToPreset(token)) break
      return { status: 204 }
    case 'DELETE':
      if (!head.removePreset(token)) break
      return { status: 204 }
  }
  throw new Failure('not-found', `no route ${route}`)
}
