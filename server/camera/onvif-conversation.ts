// What is said to an ONVIF device, by the `onvif` package. Runs in a worker of its own: see `onvif-worker.ts`.
import { Agent } from 'node:http'
import { Cam, type CamProfile } from 'onvif'
import type { OnvifProbe } from '../../shared/camera.ts'

/** A device, and how it is spoken to. */
export interface OnvifDevice {
  /** An IP address, and the name it was found by: what the device's own addresses are rewritten to. */
  address: string
  host: string
  port: number
  username: string
  password: string
  /** Milliseconds for one answer. */
  timeoutMs: number
}

/** What a worker is asked to do. */
export interface OnvifTask extends OnvifDevice {
  what: 'probe' | 'keyframe'
  /** Of `keyframe`: the stream's address, by which its profile is known. */
  streamUrl?: string
}

export type OnvifFault = Extract<OnvifProbe, { isReachable: false }>['fault']

/** What a worker answers. */
export type OnvifOutcome =
  | { kind: 'device'; probe: Extract<OnvifProbe, { isReachable: true }> }
  /** `keyframe`: whether the device took the wish for one profile at least. */
  | { kind: 'wish'; isTaken: boolean }
  | { kind: 'failed'; fault: OnvifFault; words: string }

/** More profiles than this are not looked at: some devices list dozens for their own use. */
export const maxProfiles = 16

export async function converse(task: OnvifTask): Promise<OnvifOutcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  try {
    const { cam, information } = await logIn(task, agent)
    return task.what === 'probe' ? await describe(cam, information, task) : await wish(cam, task)
  } catch (error) {
    return { kind: 'failed', ...faultOf(error as Error) }
  } finally {
    agent.destroy()
  }
}

/**
 * Finds out how the device wants the password by one question that needs it: in the message (WS-Security), or by HTTP
 * Digest, which the package answers by itself where it is asked for. Only then is the rest asked, so that a wrong password
 * costs two refusals at most.
 */
export async function logIn(task: OnvifDevice, agent: Agent): Promise<{ cam: Cam; information: string }> {
  let refusal: unknown
  for (const useWSSecurity of [true, false]) {
    const cam = new Cam({
      hostname: task.address,
      port: task.port,
      // Into the message the package writes it as it is.
      username: useWSSecurity ? escapeXml(task.username) : task.username,
      password: task.password,
      timeout: task.timeoutMs,
      useWSSecurity,
      autoconnect: false,
      // Behind a router a device knows only its inner address.
      preserveAddress: true,
      agent,
    })
    // A warning or a stray error is no reason to stop.
    for (const event of ['warning', 'error']) (cam as NodeJS.EventEmitter).on(event, () => undefined)
    // Sets the clock offset that WS-Security needs: cameras are often hours wrong.
    await answerOf((done) => cam.getSystemDateAndTime(done))
    try {
      const { xml } = await answerOf((done) => cam.getDeviceInformation(done))
      return { cam, information: xml }
    } catch (error) {
      if (faultOf(error as Error).fault !== 'login' || task.username === '') throw error
      refusal = error
    }
  }
  throw refusal
}

async function describe(cam: Cam, information: string, task: OnvifTask): Promise<OnvifOutcome> {
  await answerOf((done) => cam.connect(done))
  const profiles: Extract<OnvifProbe, { isReachable: true }>['profiles'] = []
  for (const profile of (cam.profiles ?? []).slice(0, maxProfiles)) {
    const token = tokenOf(profile)
    const encoder = profile.videoEncoderConfiguration
    const media = await uriOf((done) => cam.getStreamUri({ protocol: 'RTSP', profileToken: token }, done))
    const snapshot = await uriOf((done) => cam.getSnapshotUri({ profileToken: token }, done))
    profiles.push({
      token,
      name: String(profile.name ?? token),
      videoCodec: encoder?.encoding === undefined ? undefined : String(encoder.encoding),
      widthPx: wholeNumber(encoder?.resolution?.width),
      heightPx: wholeNumber(encoder?.resolution?.height),
      fps: positive(encoder?.rateControl?.frameRateLimit),
      streamUrl: media === undefined ? undefined : reachableUrl(media, task.host),
      snapshotUrl: snapshot === undefined ? undefined : reachableUrl(snapshot, task.host),
    })
  }
  // Read from the message itself: the package makes the number 1 of a firmware called "1.0".
  const text = (name: string): string => elementText(information, name)
  return {
    kind: 'device',
    probe: {
      isReachable: true,
      brand: text('Manufacturer'),
      model: text('Model'),
      firmware: text('FirmwareVersion'),
      serial: text('SerialNumber'),
      profiles,
    },
  }
}

/** Asks for a keyframe of the stream (SetSynchronizationPoint, ONVIF Media Service Specification §5.15). */
async function wish(cam: Cam, task: OnvifTask): Promise<OnvifOutcome> {
  await answerOf((done) => cam.connect(done))
  const tokens = (cam.profiles ?? []).slice(0, maxProfiles).map(tokenOf)
  const matching: string[] = []
  for (const token of tokens) {
    const uri = await uriOf((done) => cam.getStreamUri({ protocol: 'RTSP', profileToken: token }, done))
    if (uri !== undefined && pathOf(uri) === pathOf(task.streamUrl ?? '')) matching.push(token)
  }
  let isTaken = false
  // A stream whose address was typed in another way than the device says it is any of them.
  for (const token of matching.length > 0 ? matching : tokens) {
    try {
      await answerOf((done) => cam.setSynchronizationPoint({ profileToken: token }, done))
      isTaken = true
    } catch (error) {
      if (faultOf(error as Error).fault === 'connection') throw error
    }
  }
  return { kind: 'wish', isTaken }
}

export type Done = (error: Error | null, data?: unknown, xml?: string) => void

export function answerOf(ask: (done: Done) => void): Promise<{ data: unknown; xml: string }> {
  return new Promise((resolve, reject) => {
    ask((error, data, xml) => {
      if (error) reject(error)
      else resolve({ data, xml: xml ?? '' })
    })
  })
}

/** An address the device gives, or undefined where it has none to give: not every profile has a snapshot. */
export async function uriOf(ask: (done: Done) => void): Promise<string | undefined> {
  try {
    const { uri } = ((await answerOf(ask)).data ?? {}) as { uri?: unknown }
    return typeof uri === 'string' && uri !== '' ? uri : undefined
  } catch (error) {
    if (faultOf(error as Error).fault === 'connection') throw error
    return undefined
  }
}

export function tokenOf(profile: CamProfile): string {
  return String(profile.$?.token ?? '')
}

/**
 * An address of the device's as it can be used from here: with the host that was asked, since behind a router a device
 * knows only its inner one, and without a user part.
 */
export function reachableUrl(uri: string, host: string): string | undefined {
  const match = /^([a-z]+:\/\/)(?:[^@/?#]*@)?(?:\[[^\]]*\]|[^:/?#]*)(.*)$/i.exec(uri.trim())
  if (match === null) return undefined
  return `${match[1]}${host.includes(':') ? `[${host}]` : host}${match[2]}`
}

export function pathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*(.*)$/i.exec(url)?.[1]?.replace(/\/$/, '') ?? ''
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (letter) => ({ '&': '&amp;', '<': '&lt;' })[letter] ?? '&gt;')
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The text of the first element of that name, in whatever namespace; at most 200 characters. */
export function elementText(xml: string, name: string): string {
  const match = new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(xml)
  return (match?.[1] ?? '')
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity]!)
    .trim()
    .slice(0, 200)
}

function wholeNumber(value: unknown): number | undefined {
  const number = Number(value)
  return Number.isInteger(number) && number > 0 ? number : undefined
}

function positive(value: unknown): number | undefined {
  const number = Number(value)
  return number > 0 && number < 1000 ? number : undefined
}

/** What an error of the package means: it has no codes of its own. */
export function faultOf(error: NodeJS.ErrnoException): { fault: OnvifFault; words: string } {
  const { code, message } = error
  if (code === 'ECONNREFUSED') return { fault: 'connection', words: 'connection refused' }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return { fault: 'connection', words: 'no route to the host' }
  if (code === 'ETIMEDOUT' || /network timeout/i.test(message)) return { fault: 'connection', words: 'no answer' }
  if (code === 'ECONNRESET' || code === 'EPIPE') return { fault: 'connection', words: 'connection reset' }
  if (/not\s?authori[sz]ed|unauthori[sz]ed|authentication failed|digest|\b40[13]\b/i.test(message)) {
    return { fault: 'login', words: 'the user name or the password is refused' }
  }
  const words = message.replace(/[\s\x00-\x1f]+/g, ' ').slice(0, 120)
  return { fault: 'protocol', words: `what answers there does not speak ONVIF (${words})` }
}
