// A camera's own web server: ONVIF, a snapshot, and MJPEG over HTTP.
//
//   POST /onvif/device_service, /onvif/media_service, /onvif/media2_service, /onvif/ptz_service
//   GET  /snapshot.jpg[?stream=name]
//   GET  /mjpeg
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Camera } from './camera.ts'
import type { RawVideo } from './clip-cache.ts'
import { answerOnvif, type CameraAddresses, OPEN_ACTIONS } from './onvif-service.ts'
import { checkUsernameToken, parseSoap, soapFault } from './onvif-soap.ts'
import { jpegOf, MjpegFeed } from './picture.ts'

const MAX_BODY_BYTES = 256 * 1024

/** What a camera's web server is made of. */
export interface CameraHttpParts {
  camera: Camera
  /** Gives the pictures of `/mjpeg`, made at first use. */
  mjpegClip(): Promise<RawVideo>
}

/** Answers one request. `path` is what follows the camera's own prefix. */
export async function answerCameraHttp(
  { camera, mjpegClip }: CameraHttpParts,
  addresses: CameraAddresses,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { faults } = camera.context
  if (faults.refuse) {
    request.socket.destroy()
    return
  }
  if (faults.mute) return
  const onvif = /^\/onvif\/(\w+)$/.exec(path)
  if (onvif) {
    await answerSoap(camera, addresses, request, response, onvif[1]!)
    return
  }
  if (path !== '/snapshot.jpg' && path !== '/mjpeg') {
    response.writeHead(404).end()
    return
  }
  if (!isAdmitted(camera, request)) {
    challenge(camera, response)
    return
  }
  if (path === '/mjpeg') {
    new MjpegFeed(await mjpegClip(), response, camera.context.wheel, faults)
    return
  }
  const wanted = new URL(request.url!, 'http://camera').searchParams.get('stream')
  const stream = wanted === null ? camera.streams[0]! : camera.streams.find(({ name }) => name === wanted)
  if (!stream) {
    response.writeHead(404).end()
    return
  }
  const jpeg = await jpegOf(stream.raw, stream.tracks[0]!.clipIndex % stream.raw.frames.length)
  response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.length }).end(jpeg)
}

function isAdmitted(camera: Camera, request: IncomingMessage): boolean {
  if (camera.context.faults.denyLogin) return false
  return camera.doorkeeper.admits(request.method!, request.url!, request.headers.authorization)
}

function challenge(camera: Camera, response: ServerResponse): void {
  const challenges = camera.doorkeeper.challenges()
  response.writeHead(401, { 'WWW-Authenticate': challenges.length > 0 ? challenges : ['Basic realm="camera"'] }).end()
}

/** A user name token or HTTP authentication admits, as ONVIF Core 5.9.1 has it: 400 for a bad token, else 401. */
async function answerSoap(
  camera: Camera,
  addresses: CameraAddresses,
  request: IncomingMessage,
  response: ServerResponse,
  service: string,
): Promise<void> {
  const soap = parseSoap(await readBody(request))
  const sendXml = (status: number, xml: string) =>
    response.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8' }).end(xml)
  if (!soap) {
    sendXml(400, soapFault('WellFormed', 'there is no action in the request'))
    return
  }
  if (!OPEN_ACTIONS.has(soap.action) && (camera.auth !== 'none' || camera.context.faults.denyLogin)) {
    const token = checkUsernameToken(soap.xml, camera.user, camera.password)
    if (token === 'wrong' || (token === 'right' && camera.context.faults.denyLogin)) {
      sendXml(400, soapFault('NotAuthorized', 'Sender not authorized'))
      return
    }
    if (token === 'absent' && !isAdmitted(camera, request)) {
      challenge(camera, response)
      return
    }
  }
  const answer = answerOnvif(service, soap, camera, addresses)
  sendXml(answer.status, answer.xml)
}

/** The body as text; what exceeds 256 KB is an error. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw new Error('read HTTP request: the body exceeds 256 KB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
