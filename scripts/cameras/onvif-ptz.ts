// What a camera with a moving head answers at its PTZ service (ONVIF PTZ Service Specification), as far as it is asked.
import { escapeXml, type SoapRequest, textOf } from './onvif-soap.ts'
import { MAX_PRESETS, type PtzHead } from './ptz-head.ts'

/** The body of an answer, or the code and text of a fault. */
export type PtzAnswer = string | { code: string; text: string } | undefined

const NODE = 'node0'
const SPACES = 'http://www.onvif.org/ver10/tptz'

/** A profile's PTZ configuration, under the tag its media service has for it. */
export function ptzConfiguration(tag: string): string {
  return (
    `<${tag} token="ptz0"><tt:Name>Head</tt:Name><tt:UseCount>1</tt:UseCount><tt:NodeToken>${NODE}</tt:NodeToken>` +
    `<tt:DefaultContinuousPanTiltVelocitySpace>${SPACES}/PanTiltSpaces/VelocityGenericSpace` +
    '</tt:DefaultContinuousPanTiltVelocitySpace>' +
    `<tt:DefaultContinuousZoomVelocitySpace>${SPACES}/ZoomSpaces/VelocityGenericSpace` +
    '</tt:DefaultContinuousZoomVelocitySpace><tt:DefaultPTZTimeout>PT60S</tt:DefaultPTZTimeout>' +
    `</${tag}>`
  )
}

/** @param hasProfile whether the profile of this token is the camera's */
export function answerPtz(
  { action, xml }: SoapRequest,
  head: PtzHead,
  hasProfile: (token: string) => boolean,
): PtzAnswer {
  if (action === 'GetNodes' || action === 'GetNode') return `<tptz:${action}Response>${node()}</tptz:${action}Response>`
  if (!hasProfile(textOf(xml, 'ProfileToken') ?? '')) return { code: 'NoProfile', text: 'the profile does not exist' }
  const done = `<tptz:${action}Response/>`
  const preset = textOf(xml, 'PresetToken')
  const noPreset = { code: 'NoToken', text: 'The requested preset token does not exist' }
  switch (action) {
    case 'ContinuousMove':
      return move(xml, head) ?? done
    case 'Stop':
      head.stop()
      return done
    case 'GotoHomePosition':
      head.goHome()
      return done
    case 'GetStatus':
      return status(head)
    case 'GetPresets':
      return `<tptz:GetPresetsResponse>${head.presets
        .map(({ token, name }) => `<tptz:Preset token="${token}"><tt:Name>${escapeXml(name)}</tt:Name></tptz:Preset>`)
        .join('')}</tptz:GetPresetsResponse>`
    case 'GotoPreset':
      return head.goToPreset(preset ?? '') ? done : noPreset
    case 'RemovePreset':
      return head.removePreset(preset ?? '') ? done : noPreset
    case 'SetPreset': {
      const saved = head.savePreset(textOf(xml, 'PresetName') ?? '', preset)
      if ('token' in saved) {
        return `<tptz:SetPresetResponse><tptz:PresetToken>${saved.token}</tptz:PresetToken></tptz:SetPresetResponse>`
      }
      if (saved.wrong === 'token') return noPreset
      return saved.wrong === 'full'
        ? { code: 'TooManyPresets', text: 'Maximum number of presets reached' }
        : { code: 'PresetExist', text: 'The requested name already exist for another preset' }
    }
    default:
      return undefined
  }
}

/** Takes the speeds and the time limit; a fault where one is out of range. */
function move(xml: string, head: PtzHead): PtzAnswer {
  const panTilt = /<(?:\w+:)?PanTilt\s[^>]*>/.exec(xml)?.[0]
  const zoom = /<(?:\w+:)?Zoom\s[^>]*>/.exec(xml)?.[0]
  const speeds = {
    ...(panTilt === undefined ? {} : { pan: numberOf(panTilt, 'x'), tilt: numberOf(panTilt, 'y') }),
    ...(zoom === undefined ? {} : { zoom: numberOf(zoom, 'x') }),
  }
  if (!Object.values(speeds).every((speed) => Math.abs(speed) <= 1)) {
    return { code: 'InvalidVelocity', text: 'The requested velocity is out of bounds' }
  }
  const timeout = textOf(xml, 'Timeout')
  const seconds = timeout === undefined ? undefined : Number(/^PT([\d.]+)S$/.exec(timeout)?.[1])
  if (seconds !== undefined && !(seconds > 0 && seconds <= 60)) {
    return { code: 'TimeoutNotSupported', text: 'The specified timeout is not within the supported range' }
  }
  head.move(speeds, seconds === undefined ? undefined : seconds * 1000)
  return undefined
}

function numberOf(tag: string, attribute: string): number {
  return Number(new RegExp(`\\s${attribute}="([^"]*)"`).exec(tag)?.[1] ?? Number.NaN)
}

function status(head: PtzHead): string {
  const { pan, tilt, zoom, isMoving } = head.state
  const word = isMoving ? 'MOVING' : 'IDLE'
  return (
    `<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position><tt:PanTilt x="${pan}" y="${tilt}"/><tt:Zoom x="${zoom}"/>` +
    `</tt:Position><tt:MoveStatus><tt:PanTilt>${word}</tt:PanTilt><tt:Zoom>${word}</tt:Zoom></tt:MoveStatus>` +
    `<tt:UtcTime>${new Date().toISOString()}</tt:UtcTime></tptz:PTZStatus></tptz:GetStatusResponse>`
  )
}

function node(): string {
  const range = (axis: string): string => `<tt:${axis}><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:${axis}>`
  const space = (name: string, uri: string, axes: string[]): string =>
    `<tt:${name}><tt:URI>${SPACES}/${uri}</tt:URI>${axes.map(range).join('')}</tt:${name}>`
  return (
    `<tptz:PTZNode token="${NODE}" FixedHomePosition="true"><tt:Name>Head</tt:Name><tt:SupportedPTZSpaces>` +
    space('ContinuousPanTiltVelocitySpace', 'PanTiltSpaces/VelocityGenericSpace', ['XRange', 'YRange']) +
    space('ContinuousZoomVelocitySpace', 'ZoomSpaces/VelocityGenericSpace', ['XRange']) +
    `</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>${MAX_PRESETS}</tt:MaximumNumberOfPresets>` +
    '<tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode>'
  )
}
