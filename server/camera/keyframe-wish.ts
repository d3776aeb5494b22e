// Asks a camera whose GOP does not end for a keyframe, by ONVIF where it has it.
import type { Logger } from '../base/logger.ts'
import type { CameraService } from './camera-service.ts'
import { requestKeyframe } from './onvif.ts'

/** Asks once; a camera without ONVIF, or one that does not know how, goes on as it is. */
export async function wishForKeyframe(
  cameras: CameraService,
  logger: Logger,
  cameraId: string,
  stream: number,
): Promise<void> {
  const known = (await cameras.listWithPasswords()).find(({ camera }) => camera.id === cameraId)
  const streamUrl = known?.camera.streams.find((one) => one.stream === stream)?.url
  if (known === undefined || streamUrl === undefined || known.camera.onvifHost === '') return
  const { onvifHost: host, onvifPort: port, username, name } = known.camera
  const isAsked = await requestKeyframe({ host, port, username, password: known.password, streamUrl })
  if (!isAsked) logger.warn(`${name}, stream ${stream}: sends no keyframe, and does not take a wish for one`)
}
