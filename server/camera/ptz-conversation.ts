// What is said to a camera that can be turned (ONVIF PTZ Service Specification), by the `onvif` package. Runs in a worker.
import { Agent } from 'node:http'
import type { Cam, CamProfile } from 'onvif'
import type { PtzAbilities, PtzPreset, PtzSpeeds } from '../../shared/ptz.ts'
import {
  answerOf,
  type Done,
  elementText,
  escapeXml,
  faultOf,
  logIn,
  maxProfiles,
  type OnvifDevice,
  type OnvifFault,
  pathOf,
  tokenOf,
  uriOf,
} from './onvif-conversation.ts'

/** Whom to speak to, and the stream whose picture is to be turned: a device may have several heads. */
export interface PtzTask extends OnvifDevice {
  streamUrl: string
}

export type PtzCommand =
  /** Only what `parts` names is sent: one Sony camera takes pan and tilt, or zoom, but not both at once. */
  | ({ what: 'move'; parts: 'pan-tilt' | 'zoom' | 'both' } & PtzSpeeds)
  | { what: 'stop' }
  | { what: 'home' }
  | { what: 'presets' }
  | { what: 'go'; token: string }
  /** Over the preset of that name, where there is one. */
  | { what: 'save'; name: string }
  | { what: 'remove'; token: string }

export type HeadAbilities = Extract<PtzAbilities, { hasPtz: true }>

export type PtzFailed = { kind: 'failed'; fault: OnvifFault; words: string }

/** How opening went: there is a head, the camera has none, or it could not be asked. */
export type PtzOpening = { kind: 'head'; abilities: HeadAbilities } | { kind: 'none' } | PtzFailed

export type PtzResult =
  | { kind: 'done' }
  | { kind: 'presets'; presets: PtzPreset[] }
  /** The preset that was saved or removed. */
  | { kind: 'preset'; preset: PtzPreset }
  /** There is no preset of that token. */
  | { kind: 'missing' }
  /** The camera answered, and will not: in its own words. */
  | { kind: 'refused'; words: string }
  | PtzFailed

/** What a camera moves for without another word, in milliseconds: should this server end, the camera ends it itself. */
export const cameraTimeoutMs = 5000

/** More presets than this are not listed; some cameras name 300 empty ones. */
const maxPresets = 512

/** A conversation that stays logged in, so that a command costs one question. */
export class PtzConversation {
  readonly #task: PtzTask
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 })
  #cam!: Cam
  #profileToken = ''
  #abilities!: HeadAbilities
  #hasTimeout = true

  constructor(task: PtzTask) {
    this.#task = task
  }

  /** Logs in and looks for the head. Never rejects, unless an answer is nothing like ONVIF. */
  async open(): Promise<PtzOpening> {
    try {
      const { cam } = await logIn(this.#task, this.#agent)
      this.#cam = cam
      await answerOf((done) => cam.connect(done))
      const profile = cam.uri?.ptz === undefined ? undefined : await this.#profile()
      if (profile === undefined) return { kind: 'none' }
      this.#profileToken = tokenOf(profile)
      const { xml } = await answerOf((done) => cam.getNodes(done))
      this.#abilities = abilitiesOf(xml, String(profile.PTZConfiguration.nodeToken ?? ''))
      const { canPan, canTilt, canZoom } = this.#abilities
      return canPan || canTilt || canZoom ? { kind: 'head', abilities: this.#abilities } : { kind: 'none' }
    } catch (error) {
      return { kind: 'failed', ...faultOf(error as Error) }
    }
  }

  /** Does one command. Never rejects, unless an answer is nothing like ONVIF. */
  async act(command: PtzCommand): Promise<PtzResult> {
    try {
      return await this.#act(command)
    } catch (error) {
      const refusal = /^ONVIF SOAP Fault: (.*)/s.exec((error as Error).message)?.[1]
      const failed = faultOf(error as Error)
      if (refusal === undefined || failed.fault === 'login') return { kind: 'failed', ...failed }
      return { kind: 'refused', words: refusal.replace(/[\s\x00-\x1f]+/g, ' ').slice(0, 120) }
    }
  }

  async #act(command: PtzCommand): Promise<PtzResult> {
    const cam = this.#cam
    const profileToken = this.#profileToken
    switch (command.what) {
      case 'move':
        await this.#move(command)
        return { kind: 'done' }
      case 'stop': {
        const { canPan, canTilt, canZoom } = this.#abilities
        await answerOf((done) => cam.stop({ profileToken, panTilt: canPan || canTilt, zoom: canZoom }, done))
        return { kind: 'done' }
      }
      case 'home':
        await answerOf((done) => cam.gotoHomePosition({ profileToken }, done))
        return { kind: 'done' }
      case 'presets':
        return { kind: 'presets', presets: await this.#presets() }
      case 'go':
        await answerOf((done) => cam.gotoPreset({ profileToken, preset: escapeXml(command.token) }, done))
        return { kind: 'done' }
      case 'save': {
        const { name } = command
        const same = (await this.#presets()).find((one) => one.name === name)
        const over = same === undefined ? {} : { presetToken: escapeXml(same.token) }
        const options = { profileToken, presetName: escapeXml(name), ...over }
        const { xml } = await answerOf((done) => cam.setPreset(options, done))
        return { kind: 'preset', preset: { token: elementText(xml, 'PresetToken') || (same?.token ?? ''), name } }
      }
      case 'remove': {
        const preset = (await this.#presets()).find((one) => one.token === command.token)
        if (preset === undefined) return { kind: 'missing' }
        await answerOf((done) => cam.removePreset({ profileToken, presetToken: escapeXml(preset.token) }, done))
        return { kind: 'preset', preset }
      }
    }
  }

  async #move({ pan, tilt, zoom, parts }: Extract<PtzCommand, { what: 'move' }>): Promise<void> {
    const send = (done: Done): void =>
      this.#cam.continuousMove(
        {
          profileToken: this.#profileToken,
          x: pan,
          y: tilt,
          zoom,
          onlySendPanTilt: parts === 'pan-tilt',
          onlySendZoom: parts === 'zoom',
          ...(this.#hasTimeout ? { timeout: cameraTimeoutMs } : {}),
        },
        done,
      )
    try {
      await answerOf(send)
    } catch (error) {
      // ter:TimeoutNotSupported: then only this server ends the move.
      if (!this.#hasTimeout || !/^ONVIF SOAP Fault: .*timeout/is.test((error as Error).message)) throw error
      this.#hasTimeout = false
      await answerOf(send)
    }
  }

  /** Read from the message itself: the package makes numbers of names and tokens, and loses one of two of a name. */
  async #presets(): Promise<PtzPreset[]> {
    const { xml } = await answerOf((done) => this.#cam.getPresets({ profileToken: this.#profileToken }, done))
    const presets: PtzPreset[] = []
    for (const [, attributes, content] of xml.matchAll(
      /<(?:[\w.-]+:)?Preset(\s[^>]*?)(?:\/>|>(.*?)<\/(?:[\w.-]+:)?Preset>)/gs,
    )) {
      const token = attributeOf(attributes!, 'token')
      if (token !== '' && presets.length < maxPresets) presets.push({ token, name: elementText(content ?? '', 'Name') })
    }
    return presets
  }

  /** The profile with a PTZ configuration; that of the stream, where the device has several heads. */
  async #profile(): Promise<CamProfile | undefined> {
    const profiles = (this.#cam.profiles ?? [])
      .slice(0, maxProfiles)
      .filter((one) => one.PTZConfiguration !== undefined)
    if (new Set(profiles.map((one) => String(one.PTZConfiguration.nodeToken))).size > 1) {
      for (const profile of profiles) {
        const options = { protocol: 'RTSP', profileToken: tokenOf(profile) }
        const uri = await uriOf((done) => this.#cam.getStreamUri(options, done))
        if (uri !== undefined && pathOf(uri) === pathOf(this.#task.streamUrl)) return profile
      }
    }
    return profiles[0]
  }
}

/** What a node can do (GetNodes): of the named one, or of the first where the name is not there. */
export function abilitiesOf(xml: string, nodeToken: string): HeadAbilities {
  const nodes = [...xml.matchAll(/<(?:[\w.-]+:)?PTZNode(\s[^>]*)>(.*?)<\/(?:[\w.-]+:)?PTZNode>/gs)]
  const node = nodes.find(([, attributes]) => attributeOf(attributes!, 'token') === nodeToken) ?? nodes[0]
  const content = node?.[2] ?? ''
  const panTilt = elementOf(content, 'ContinuousPanTiltVelocitySpace')
  return {
    hasPtz: true,
    canPan: hasWidth(elementOf(panTilt, 'XRange')),
    canTilt: hasWidth(elementOf(panTilt, 'YRange')),
    canZoom: hasWidth(elementOf(elementOf(content, 'ContinuousZoomVelocitySpace'), 'XRange')),
    hasHome: elementText(content, 'HomeSupported') === 'true',
    maxPresets: Math.max(0, Math.floor(Number(elementText(content, 'MaximumNumberOfPresets'))) || 0),
  }
}

function elementOf(xml: string, name: string): string {
  return new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>(.*?)</(?:[\\w.-]+:)?${name}>`, 's').exec(xml)?.[1] ?? ''
}

/** Cameras that only pan name a tilt range from 0 to 0. */
function hasWidth(range: string): boolean {
  return Number(elementText(range, 'Min')) < Number(elementText(range, 'Max'))
}

/** An attribute's text, its references resolved as those of an element are. */
function attributeOf(attributes: string, name: string): string {
  const text = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes)
  return elementText(`<a>${text?.[1] ?? text?.[2] ?? ''}</a>`, 'a')
}
