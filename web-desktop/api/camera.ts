import type {
  Camera,
  CameraChange,
  CameraDraft,
  ConnectionTest,
  ConnectionTestRequest,
  OnvifProbe,
} from '../../shared/camera.ts'
import type { HealthPoint, StreamHealth } from '../../shared/stream.ts'
import { getJson, request } from './client.ts'
import { Collection } from './collection.ts'
import { push } from './push.ts'

/** All cameras, by channel number. */
export const cameras = new Collection<Camera>(
  () => getJson<Camera[]>('api/cameras'),
  (camera) => camera.id,
  (a, b) => a.channel - b.channel,
)
push.on('camera-changed', ({ camera }) => cameras.put(camera))
push.on('camera-removed', ({ cameraId }) => cameras.remove(cameraId))

/** The state of every stream, keyed `<camera>/<stream>`. */
export const health = new Collection<StreamHealth>(
  () => getJson<StreamHealth[]>('api/health'),
  (one) => healthKey(one.cameraId, one.stream),
)
push.on('health', ({ streams }) => health.put(...streams))
push.on('camera-removed', ({ cameraId }) => {
  for (const one of health.list) if (one.cameraId === cameraId) health.remove(healthKey(cameraId, one.stream))
})

export function healthKey(cameraId: string, stream: number): string {
  return `${cameraId}/${stream}`
}

export function healthOf(camera: Camera): StreamHealth[] {
  return camera.streams.flatMap((one) => health.get(healthKey(camera.id, one.stream)) ?? [])
}

export async function createCamera(draft: CameraDraft): Promise<Camera> {
  const made = await request<Camera>('POST', 'api/cameras', draft)
  cameras.put(made)
  return made
}

export async function updateCamera(id: string, change: CameraChange): Promise<Camera> {
  const changed = await request<Camera>('PATCH', `api/cameras/${id}`, change)
  cameras.put(changed)
  return changed
}

export async function removeCamera(id: string, footage: 'keep' | 'remove'): Promise<void> {
  await request('DELETE', `api/cameras/${id}?footage=${footage}`)
  cameras.remove(id)
}

export function testAddress(wish: ConnectionTestRequest, signal?: AbortSignal): Promise<ConnectionTest> {
  return request<ConnectionTest>('POST', 'api/cameras/test', wish, signal)
}

/** Tries a stream as it is saved. Fails `conflict` while another test of the camera runs. */
export function testSaved(cameraId: string, stream: number): Promise<ConnectionTest> {
  return request<ConnectionTest>('POST', `api/cameras/${cameraId}/test?stream=${stream}`)
}

export function probeOnvif(
  wish: { host: string; port: number; username: string; password: string },
  signal?: AbortSignal,
): Promise<OnvifProbe> {
  return request<OnvifProbe>('POST', 'api/cameras/probe-onvif', wish, signal)
}

/** The minutes of one stream's last 24 hours. */
export interface HealthHistory {
  stream: number
  points: HealthPoint[]
}

export async function readHealthHistory(cameraId: string): Promise<HealthHistory[]> {
  const answer = await getJson<{ history: HealthHistory[] }>(`api/cameras/${cameraId}/health`)
  return answer.history
}
