// What a camera answers to ONVIF: the device service, Media (Profile S), Media2 (Profile T) and PTZ, as far as a recorder
// asks.
import type { Camera } from './camera.ts'
import { answerPtz, ptzConfiguration } from './onvif-ptz.ts'
import { envelope, escapeXml, type SoapRequest, soapFault, textOf } from './onvif-soap.ts'
import type { Stream } from './stream.ts'

/** Where a camera is reached. */
export interface CameraAddresses {
  /** `http://host:port` or `http://host:port/camN`: what its HTTP paths begin with. */
  httpBase: string
  rtspUrl(stream: string): string
}

/** An answer; 400 with a fault where the action is unknown or names what is not there. */
export interface OnvifAnswer {
  status: number
  xml: string
}

/** Actions anyone may call (ONVIF Core 5.9.4.3, access class PRE_AUTH). */
export const OPEN_ACTIONS: ReadonlySet<string> = new Set(['GetSystemDateAndTime', 'GetServices', 'GetCapabilities'])

const VIDEO_SOURCE = 'source0'

/** @param service last part of the path: `device_service`, `media_service`, `media2_service` or `ptz_service` */
export function answerOnvif(
  service: string,
  request: SoapRequest,
  camera: Camera,
  addresses: CameraAddresses,
): OnvifAnswer {
  if (service === 'ptz_service' && camera.head !== undefined) {
    const hasProfile = (token: string) => camera.streams.some(({ name }) => name === token)
    const answer = answerPtz(request, camera.head, hasProfile)
    if (typeof answer === 'object') return fault(answer.code, answer.text)
    if (answer !== undefined) return { status: 200, xml: envelope(answer) }
    return fault('ActionNotSupported', `${request.action} is no action of this service`)
  }
  const body =
    service === 'media2_service'
      ? answerMedia2(request, camera, addresses)
      : service === 'media_service'
        ? answerMedia(request, camera, addresses)
        : answerDevice(request, camera, addresses)
  if (body === undefined) return fault('ActionNotSupported', `${request.action} is no action of this service`)
  if (body === NO_PROFILE) return fault('NoProfile', 'the profile does not exist')
  return { status: 200, xml: envelope(body) }
}

const NO_PROFILE = ''

function fault(code: string, text: string): OnvifAnswer {
  return { status: 400, xml: soapFault(code, text) }
}

function answerDevice(request: SoapRequest, camera: Camera, { httpBase }: CameraAddresses): string | undefined {
  switch (request.action) {
    case 'GetSystemDateAndTime':
      return systemDateAndTime(new Date())
    case 'GetDeviceInformation':
      return (
        '<tds:GetDeviceInformationResponse><tds:Manufacturer>Nightjar</tds:Manufacturer>' +
        '<tds:Model>Simulated camera</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion>' +
        `<tds:SerialNumber>${camera.name}</tds:SerialNumber><tds:HardwareId>sim</tds:HardwareId>` +
        '</tds:GetDeviceInformationResponse>'
      )
    case 'GetServices':
      return `<tds:GetServicesResponse>${[
        ['http://www.onvif.org/ver10/device/wsdl', 'device_service'],
        ['http://www.onvif.org/ver10/media/wsdl', 'media_service'],
        ['http://www.onvif.org/ver20/media/wsdl', 'media2_service'],
        ...(camera.head === undefined ? [] : [['http://www.onvif.org/ver20/ptz/wsdl', 'ptz_service']]),
      ]
        .map(
          ([namespace, path]) =>
            `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${httpBase}/onvif/${path}</tds:XAddr>` +
            '<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>',
        )
        .join('')}</tds:GetServicesResponse>`
    case 'GetCapabilities':
      return (
        '<tds:GetCapabilitiesResponse><tds:Capabilities>' +
        `<tt:Device><tt:XAddr>${httpBase}/onvif/device_service</tt:XAddr></tt:Device>` +
        `<tt:Media><tt:XAddr>${httpBase}/onvif/media_service</tt:XAddr><tt:StreamingCapabilities>` +
        '<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP>' +
        '<tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>' +
        (camera.head === undefined ? '' : `<tt:PTZ><tt:XAddr>${httpBase}/onvif/ptz_service</tt:XAddr></tt:PTZ>`) +
        '</tds:Capabilities></tds:GetCapabilitiesResponse>'
      )
    case 'GetScopes':
      return `<tds:GetScopesResponse>${scopesOf(camera)
        .map(
          (scope) => `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>${scope}</tt:ScopeItem></tds:Scopes>`,
        )
        .join('')}</tds:GetScopesResponse>`
    default:
      return undefined
  }
}

/** What the camera says of itself, also to WS-Discovery (ONVIF Core 7.3.2.2). */
export function scopesOf(camera: Camera): string[] {
  return [
    'onvif://www.onvif.org/type/video_encoder',
    ...(camera.head === undefined ? [] : ['onvif://www.onvif.org/type/ptz']),
    'onvif://www.onvif.org/Profile/Streaming',
    'onvif://www.onvif.org/Profile/T',
    'onvif://www.onvif.org/hardware/Simulated',
    `onvif://www.onvif.org/name/${encodeURIComponent(camera.title)}`,
    'onvif://www.onvif.org/location/nowhere',
  ]
}

function systemDateAndTime(now: Date): string {
  return (
    '<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>' +
    '<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>' +
    `<tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute>` +
    `<tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year>` +
    `<tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime>` +
    '</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>'
  )
}

function answerMedia(request: SoapRequest, camera: Camera, addresses: CameraAddresses): string | undefined {
  switch (request.action) {
    case 'GetProfiles':
      return `<trt:GetProfilesResponse>${media1Streams(camera)
        .map((stream) => media1Profile(stream, 'trt:Profiles', camera))
        .join('')}</trt:GetProfilesResponse>`
    case 'GetVideoSources': {
      const { widthPx, heightPx, fps } = camera.streams[0]!.recipe
      return (
        `<trt:GetVideoSourcesResponse><trt:VideoSources token="${VIDEO_SOURCE}"><tt:Framerate>${fps}</tt:Framerate>` +
        `<tt:Resolution><tt:Width>${widthPx}</tt:Width><tt:Height>${heightPx}</tt:Height></tt:Resolution>` +
        '</trt:VideoSources></trt:GetVideoSourcesResponse>'
      )
    }
    case 'GetProfile': {
      const stream = streamOf(request, media1Streams(camera))
      return stream
        ? `<trt:GetProfileResponse>${media1Profile(stream, 'trt:Profile', camera)}</trt:GetProfileResponse>`
        : NO_PROFILE
    }
    case 'GetStreamUri':
    case 'GetSnapshotUri': {
      const stream = streamOf(request, media1Streams(camera))
      if (!stream) return NO_PROFILE
      const uri = uriOf(request.action, stream, addresses)
      return (
        `<trt:${request.action}Response><trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri>` +
        '<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>' +
        `<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:${request.action}Response>`
      )
    }
    default:
      return undefined
  }
}

function answerMedia2(request: SoapRequest, camera: Camera, addresses: CameraAddresses): string | undefined {
  switch (request.action) {
    case 'GetProfiles': {
      const token = textOf(request.xml, 'Token')
      const streams = camera.streams.filter(({ name }) => token === undefined || name === token)
      if (streams.length === 0) return NO_PROFILE
      return `<tr2:GetProfilesResponse>${streams.map((stream) => media2Profile(stream, camera)).join('')}</tr2:GetProfilesResponse>`
    }
    case 'GetVideoSourceConfigurations':
      return (
        '<tr2:GetVideoSourceConfigurationsResponse>' +
        `${videoSourceConfiguration(camera.streams[0]!, 'tr2:Configurations')}` +
        '</tr2:GetVideoSourceConfigurationsResponse>'
      )
    case 'GetStreamUri':
    case 'GetSnapshotUri': {
      const stream = streamOf(request, camera.streams)
      if (!stream) return NO_PROFILE
      const uri = uriOf(request.action, stream, addresses)
      return `<tr2:${request.action}Response><tr2:Uri>${escapeXml(uri)}</tr2:Uri></tr2:${request.action}Response>`
    }
    default:
      return undefined
  }
}

/** Media (ver10) knows no H.265; cameras leave such profiles out. */
function media1Streams(camera: Camera): Stream[] {
  return camera.streams.filter(({ recipe }) => recipe.codec !== 'h265')
}

/** A profile's token is the stream's name. */
function streamOf(request: SoapRequest, streams: Stream[]): Stream | undefined {
  return streams.find(({ name }) => name === textOf(request.xml, 'ProfileToken'))
}

function uriOf(action: string, stream: Stream, addresses: CameraAddresses): string {
  return action === 'GetStreamUri'
    ? addresses.rtspUrl(stream.name)
    : `${addresses.httpBase}/snapshot.jpg?stream=${encodeURIComponent(stream.name)}`
}

function videoSourceConfiguration({ recipe }: Stream, tag: string): string {
  return (
    `<${tag} token="vsc0"><tt:Name>Video source</tt:Name><tt:UseCount>1</tt:UseCount>` +
    `<tt:SourceToken>${VIDEO_SOURCE}</tt:SourceToken>` +
    `<tt:Bounds x="0" y="0" width="${recipe.widthPx}" height="${recipe.heightPx}"/></${tag}>`
  )
}

function resolution({ recipe }: Stream): string {
  return (
    `<tt:Resolution><tt:Width>${recipe.widthPx}</tt:Width><tt:Height>${recipe.heightPx}</tt:Height></tt:Resolution>` +
    '<tt:Quality>5</tt:Quality>'
  )
}

function media1Profile(stream: Stream, tag: string, camera: Camera): string {
  const { name, recipe, audio } = stream
  const encoding = recipe.codec === 'mjpeg' ? 'JPEG' : 'H264'
  const audioEncoder = audio
    ? `<tt:AudioEncoderConfiguration token="aec-${name}"><tt:Name>Audio</tt:Name><tt:UseCount>1</tt:UseCount>` +
      `<tt:Encoding>${audio === 'aac' ? 'AAC' : 'G711'}</tt:Encoding>` +
      `<tt:Bitrate>${audio === 'aac' ? 32 : 64}</tt:Bitrate>` +
      `<tt:SampleRate>${audio === 'aac' ? 16 : 8}</tt:SampleRate></tt:AudioEncoderConfiguration>`
    : ''
  const h264 =
    encoding === 'H264'
      ? `<tt:H264><tt:GovLength>${recipe.gopFrames}</tt:GovLength><tt:H264Profile>High</tt:H264Profile></tt:H264>`
      : ''
  return (
    `<${tag} token="${name}" fixed="true"><tt:Name>${name}</tt:Name>` +
    videoSourceConfiguration(stream, 'tt:VideoSourceConfiguration') +
    `<tt:VideoEncoderConfiguration token="vec-${name}"><tt:Name>${name}</tt:Name><tt:UseCount>1</tt:UseCount>` +
    `<tt:Encoding>${encoding}</tt:Encoding>${resolution(stream)}` +
    `<tt:RateControl><tt:FrameRateLimit>${recipe.fps}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>` +
    `<tt:BitrateLimit>${recipe.bitrateKbps}</tt:BitrateLimit></tt:RateControl>${h264}` +
    `</tt:VideoEncoderConfiguration>${audioEncoder}` +
    `${camera.head === undefined ? '' : ptzConfiguration('tt:PTZConfiguration')}</${tag}>`
  )
}

function media2Profile(stream: Stream, camera: Camera): string {
  const { name, recipe, audio } = stream
  const encoding = { h264: 'H264', h265: 'H265', mjpeg: 'JPEG' }[recipe.codec]
  const audioEncoder = audio
    ? `<tr2:AudioEncoder token="aec-${name}"><tt:Name>Audio</tt:Name><tt:UseCount>1</tt:UseCount>` +
      `<tt:Encoding>${{ aac: 'MP4A-LATM', pcmu: 'PCMU', pcma: 'PCMA' }[audio]}</tt:Encoding>` +
      `<tt:Bitrate>${audio === 'aac' ? 32 : 64}</tt:Bitrate>` +
      `<tt:SampleRate>${audio === 'aac' ? 16 : 8}</tt:SampleRate></tr2:AudioEncoder>`
    : ''
  return (
    `<tr2:Profiles token="${name}" fixed="true"><tr2:Name>${name}</tr2:Name><tr2:Configurations>` +
    videoSourceConfiguration(stream, 'tr2:VideoSource') +
    `<tr2:VideoEncoder token="vec-${name}" GovLength="${recipe.gopFrames}" Profile="Main"><tt:Name>${name}</tt:Name>` +
    `<tt:UseCount>1</tt:UseCount><tt:Encoding>${encoding}</tt:Encoding>${resolution(stream)}` +
    `<tt:RateControl ConstantBitRate="true"><tt:FrameRateLimit>${recipe.fps}</tt:FrameRateLimit>` +
    `<tt:BitrateLimit>${recipe.bitrateKbps}</tt:BitrateLimit></tt:RateControl></tr2:VideoEncoder>` +
    `${audioEncoder}${camera.head === undefined ? '' : ptzConfiguration('tr2:PTZ')}</tr2:Configurations></tr2:Profiles>`
  )
}
