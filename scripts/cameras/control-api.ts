// The farm's remote control, JSON over HTTP, on the shared HTTP port:
//
//   GET    /control                 addresses of all cameras (`FarmAddresses`)
//   GET    /control/stats           frames and connections (a list of `CameraStats`)
//   GET    /control/ptz/NAME        where camera NAME looks, and its presets (`PtzState`, ptz-head.ts)
//   POST   /control/faults/NAME     sets the faults in the body (`FaultWish`, fault.ts) at camera NAME, or `*` for all
//   DELETE /control/faults/NAME     clears them
//
// Every answer to a change is {} or, with status 400 or 404, {"error": "..."}.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Camera } from './camera.ts'
import { readBody } from './camera-http.ts'
import { parseFaultWish } from './fault.ts'

/** Where everything is. */
export interface FarmAddresses {
  host: string
  rtspPort: number
  /** Absent where the farm serves no TLS. */
  rtspsPort?: number
  httpPort: number
  cameras: {
    name: string
    title: string
    auth: string
    user: string
    /** `rtsp://` addresses by stream, the main one first. */
    streams: Record<string, string>
    onvif: { hostname: string; port: number; path: string }
    snapshot: string
    mjpeg: string
  }[]
}

/** Answers a request whose path begins with `/control`. */
export async function answerControl(
  cameras: readonly Camera[],
  addresses: () => FarmAddresses,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const send = (status: number, value: unknown) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
  if (request.method === 'GET' && path === '/control') return void send(200, addresses())
  if (request.method === 'GET' && path === '/control/stats') {
    return void send(
      200,
      cameras.map((camera) => camera.stats),
    )
  }
  const turned = /^\/control\/ptz\/([^/]+)$/.exec(path)?.[1]
  if (request.method === 'GET' && turned !== undefined) {
    const head = cameras.find((camera) => camera.name === turned)?.head
    if (head === undefined) return void send(404, { error: `${path}: there is no such camera that can be turned` })
    return void send(200, head.state)
  }
  const name = /^\/control\/faults\/([^/]+)$/.exec(path)?.[1]
  const chosen = name === undefined ? [] : cameras.filter((camera) => name === '*' || camera.name === name)
  if (chosen.length === 0) return void send(404, { error: `${path}: there is no such camera or command` })
  try {
    if (request.method === 'DELETE') {
      for (const camera of chosen) camera.clearFaults()
    } else if (request.method === 'POST') {
      const wish = parseFaultWish(JSON.parse(await readBody(request)))
      for (const camera of chosen) camera.setFaults(wish)
    } else {
      return void send(400, { error: `${request.method} means nothing here` })
    }
    send(200, {})
  } catch (error) {
    send(400, { error: (error as Error).message })
  }
}
