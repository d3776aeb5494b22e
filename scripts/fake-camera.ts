// Simulated IP cameras as a process of their own: prints one JSON line with their addresses, serves until SIGTERM.
import { parseArgs } from 'node:util'
import type { AudioCodec } from './cameras/clip-recipe.ts'
import type { AuthScheme } from './cameras/doorkeeper.ts'
import { type CameraFarm, startCameras } from './cameras/farm.ts'
import { camerasOfClips, type Preset, presetCameras } from './cameras/preset.ts'

const HELP = `usage: scripts/node scripts/fake-camera.ts [options]
  --preset plain|demo|bench   plain: main and sub with AAC; demo: four different ones; bench: main with AAC
  --cameras N                 how many (1; demo: 4)
  --clips a,b                 instead of a preset: one stream for each of main sub bframes h265 mjpeg hour
  --audio aac|pcmu|pcma|none  sound of --clips (aac)
  --host ADDRESS              to listen on (127.0.0.1)
  --rtsp-port N               RTSP port of all cameras (any free one)
  --rtsps-port N              RTSP over TLS as well; 0 for any free port (none)
  --http-port N               remote control, and ONVIF and pictures of all cameras by path (any free one)
  --port-per-camera           every camera its own ports: RTSP from --rtsp-port upwards, HTTP from --http-port + 1
  --discovery                 answer WS-Discovery
  --rate-mbit N               line rate of each connection (100)
  --buffer-kb N               send buffer of each connection (128)
  --session-timeout SEC       silence after which a session ends (60)
  --user NAME --password TEXT --auth none|basic|digest|digest-sha256|digest-both
  --cache FOLDER              where clips are kept (.cache/clips)
  --spare-clips a,b           clips made ready for the fault "clip"
The remote control, with faults and numbers, is described in scripts/cameras/control-api.ts.
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    preset: { type: 'string', default: 'plain' },
    cameras: { type: 'string' },
    clips: { type: 'string' },
    audio: { type: 'string', default: 'aac' },
    host: { type: 'string' },
    'rtsp-port': { type: 'string' },
    'rtsps-port': { type: 'string' },
    'http-port': { type: 'string' },
    'port-per-camera': { type: 'boolean' },
    discovery: { type: 'boolean' },
    'rate-mbit': { type: 'string' },
    'buffer-kb': { type: 'string' },
    'session-timeout': { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
    auth: { type: 'string' },
    cache: { type: 'string' },
    'spare-clips': { type: 'string' },
  },
})

if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
const preset = values.preset as Preset
const count = number(values.cameras) ?? (preset === 'demo' ? 4 : 1)
const audio = values.audio === 'none' ? undefined : (values.audio as AudioCodec)
const bufferKb = number(values['buffer-kb'])

let farm: CameraFarm | undefined
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void (farm?.close() ?? Promise.resolve()).then(() => process.exit(0)))
}

farm = await startCameras({
  cameras: values.clips ? camerasOfClips(values.clips.split(','), audio, count) : presetCameras(preset, count),
  host: values.host,
  rtspPort: number(values['rtsp-port']),
  rtspsPort: number(values['rtsps-port']),
  httpPort: number(values['http-port']),
  discovery: values.discovery,
  spareClips: values['spare-clips']?.split(','),
  portPerCamera: values['port-per-camera'],
  lineMbit: number(values['rate-mbit']),
  sendBufferBytes: bufferKb === undefined ? undefined : bufferKb * 1024,
  sessionTimeoutSec: number(values['session-timeout']),
  auth: values.auth as AuthScheme | undefined,
  user: values.user,
  password: values.password,
  cacheDir: values.cache,
})

process.stdout.write(`${JSON.stringify(farm.addresses())}\n`)
