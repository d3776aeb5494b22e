// The live socket of a contract server: the test clip, a frame when its time has come.
import type { WebSocket } from 'ws'
import {
  type LiveMode,
  type LiveNotice,
  liveFrameKinds,
  liveHeaderBytes,
  liveRequest,
  writeLiveHead,
} from '../../../shared/live.ts'
import type { TestCamera } from './contract-data.ts'
import { frameAt, msOfFrame } from './contract-footage.ts'
import { type ClipTrack, clipFrames, clipGop, movedFragment, type TestClip } from './test-clip.ts'

interface Tile {
  timer: ReturnType<typeof setInterval>
  received: number
}

/** Serves one socket until it closes. `log` is told of every request, for tests to look at. */
export function serveLive(
  socket: WebSocket,
  clip: TestClip,
  find: (id: string) => TestCamera | undefined,
  log: (request: unknown) => void,
): void {
  const tiles = new Map<number, Tile>()
  let canPlay: string[] = []
  const tell = (notice: LiveNotice): void => socket.send(JSON.stringify(notice))
  const close = (tile: number): void => {
    clearInterval(tiles.get(tile)?.timer)
    tiles.delete(tile)
  }

  socket.on('message', (data) => {
    const request = liveRequest.parse(JSON.parse(String(data)))
    log(request)
    if (request.type === 'hello') canPlay = request.canPlay
    if (request.type === 'close') close(request.tile)
    if (request.type === 'received') {
      for (const one of request.newest) {
        const tile = tiles.get(one.tile)
        if (tile !== undefined) tile.received = one.sequence
      }
    }
    if (request.type !== 'open') return
    const { tile, cameraId } = request
    close(tile)
    const one = find(cameraId)
    if (one === undefined) return tell({ type: 'refused', tile, reason: 'there is no such camera' })
    if (one.sort === 'lost') {
      return tell({
        type: 'no-picture',
        tile,
        reason: 'rtsp://192.0.2.16/main: 401 Unauthorized (Digest)',
        sinceMs: Date.now() - 3_600_000,
      })
    }
    const isHevc = one.sort === 'h265' && !canPlay.includes('h265')
    const wanted: LiveMode = request.want === 'auto' ? (request.widthPx > 640 ? 'main' : 'sub') : request.want
    const mode: LiveMode = one.sort === 'mjpeg' ? 'jpeg' : isHevc ? 'h264' : wanted
    const note =
      one.sort === 'mjpeg' ? 'the camera sends MJPEG' : isHevc ? 'H.265 cannot be played by this browser' : undefined
    const track = mode === 'main' ? clip.main : clip.sub
    const law = one.sort === 'g711' && request.hasSound
    const aac = one.sort === 'aac' && request.hasSound
    tell({
      type: 'tile',
      tile,
      cameraId,
      stream: mode === 'main' ? 1 : 2,
      mode,
      ...(mode === 'jpeg' ? {} : { mimeType: track.mimeType }),
      widthPx: mode === 'main' ? 960 : 640,
      heightPx: mode === 'main' ? 540 : 360,
      sound: law
        ? { kind: 'g711', law: 'mu', sampleRateHz: 8000, channels: 1 }
        : aac
          ? { kind: 'aac', mimeType: clip.aac.mimeType }
          : { kind: 'none' },
      ...(note === undefined ? {} : { note }),
    })
    const send = (kind: number, isKey: boolean, sequence: number, utcMs: number, payload: Uint8Array): void => {
      const frame = Buffer.alloc(liveHeaderBytes + payload.length)
      const view = new DataView(frame.buffer, frame.byteOffset)
      writeLiveHead(view, 0, { tile, kind, isKey, sequence, utcUs: utcMs * 1000 })
      frame.set(payload, liveHeaderBytes)
      socket.send(frame)
    }
    if (mode !== 'jpeg') send(liveFrameKinds.init, false, 0, Date.now(), track.init)
    if (aac) send(liveFrameKinds.soundInit, false, 0, Date.now(), clip.aac.init)
    const base = Math.floor(frameAt(Date.now()) / clipGop) * clipGop
    let next = base
    let sequence = 0
    let soundNext = Date.now()
    const pump = (): void => {
      const nowMs = Date.now()
      while (msOfFrame(next + 1) <= nowMs) {
        if (mode === 'jpeg') {
          if (next % 3 === 0) {
            const picture = clip.jpegs[Math.floor((next % clipFrames) / clipGop)]!
            send(liveFrameKinds.jpeg, true, ++sequence, msOfFrame(next), picture)
          }
        } else {
          const isKey = next % clipGop === 0
          send(liveFrameKinds.video, isKey, ++sequence, msOfFrame(next), frameOf(track, next, base))
        }
        next += 1
      }
      while ((aac || law) && soundNext + 21 < nowMs) {
        if (law) {
          send(liveFrameKinds.g711, true, sequence, soundNext, muTone)
          soundNext += 20
        } else {
          const n = Math.floor((soundNext - msOfFrame(base)) / (1024 / 48)) % clip.aac.fragments.length
          const at = BigInt(Math.round((soundNext - msOfFrame(base)) * 48))
          send(liveFrameKinds.aac, true, sequence, soundNext, movedFragment(clip.aac.fragments[Math.max(0, n)]!, at))
          soundNext += 1024 / 48
        }
      }
    }
    tiles.set(tile, { timer: setInterval(pump, 20), received: 0 })
    pump()
  })
  socket.on('close', () => {
    for (const tile of [...tiles.keys()]) close(tile)
  })
}

/** Media time counts from when the tile was opened. */
function frameOf(track: ClipTrack, n: number, base: number): Buffer {
  return movedFragment(track.fragments[n % clipFrames]!, BigInt((n - base) * (track.timescale / 15)))
}

/** 20 ms of a square wave in µ-law. */
const muTone = Uint8Array.from({ length: 160 }, (_, i) => (Math.floor(i / 9) % 2 === 0 ? 0xa0 : 0x20))
