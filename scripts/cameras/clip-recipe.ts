// What the clips are, and the ffmpeg commands that make them.
import { existsSync } from 'node:fs'
import { blockCodeFilters } from './block-code.ts'

/** Codecs a camera can speak. */
export type VideoCodec = 'h264' | 'h265' | 'mjpeg'
export type AudioCodec = 'aac' | 'pcmu' | 'pcma'

/** Backgrounds a person can tell apart at a glance. */
export type Look = 'chart' | 'dusk' | 'meadow' | 'ember' | 'bars'

/** All that decides the bytes of a video clip. */
export interface VideoRecipe {
  codec: VideoCodec
  widthPx: number
  heightPx: number
  fps: number
  bitrateKbps: number
  /** Frames from one keyframe to the next. */
  gopFrames: number
  /** B-frames in a row; 0 for none. */
  bFrames: number
  /** Length; whole GOPs, or the loop's last one is short. */
  seconds: number
  look: Look
  /** Written into the picture; letters, digits, blanks and hyphens. */
  title: string
  /** Strength of the sensor noise, 0 to 100. It is what makes the rate be reached. */
  noise: number
}

/** All that decides the bytes of an audio clip: a beep at each full second over faint noise. */
export interface AudioRecipe {
  codec: AudioCodec
  /** Length. A multiple of 0.064 s (AAC, 1024 samples at 16 kHz) and 0.02 s (G.711 packets). */
  seconds: number
}

// 16 s is whole in every unit used: 400 frames at 25 fps, 8 GOPs of 2 s, 250 AAC frames, 800 packets of G.711.
const LOOP_SEC = 16

const base: VideoRecipe = {
  codec: 'h264',
  widthPx: 1920,
  heightPx: 1080,
  fps: 25,
  bitrateKbps: 4000,
  gopFrames: 50,
  bFrames: 0,
  seconds: LOOP_SEC,
  look: 'chart',
  title: 'Nightjar',
  noise: 10,
}

/** The named clips. `hour` is 60 minutes long, and its picture shows the minute and second within the UTC hour. */
export const VIDEO_RECIPES: Record<string, VideoRecipe> = {
  main: base,
  sub: { ...base, widthPx: 640, heightPx: 360, fps: 15, bitrateKbps: 500, gopFrames: 30, noise: 6 },
  bframes: { ...base, widthPx: 1280, heightPx: 720, bitrateKbps: 2000, bFrames: 2, noise: 8 },
  h265: { ...base, codec: 'h265', widthPx: 1280, heightPx: 720, bitrateKbps: 1500, noise: 4 },
  mjpeg: { ...base, codec: 'mjpeg', widthPx: 640, heightPx: 360, fps: 10, bitrateKbps: 3000, gopFrames: 1, noise: 4 },
  hour: {
    ...base,
    widthPx: 320,
    heightPx: 180,
    fps: 2,
    bitrateKbps: 80,
    gopFrames: 4,
    seconds: 3600,
    look: 'bars',
    noise: 0,
  },
}

/** The recipe of a named sound. */
export function audioRecipe(codec: AudioCodec): AudioRecipe {
  return { codec, seconds: LOOP_SEC }
}

const FONT_FILE = '/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf'

const SOURCES: Record<Look, (size: string, fps: number) => string> = {
  chart: (size, fps) => `testsrc2=s=${size}:r=${fps},format=yuv420p`,
  bars: (size, fps) => `smptehdbars=s=${size}:r=${fps},format=yuv420p`,
  dusk: (_, fps) => gradient(fps, ['0x101840', '0x5040a0', '0xc06080', '0x203060']),
  meadow: (_, fps) => gradient(fps, ['0x204018', '0x60a040', '0xc0c860', '0x306830']),
  ember: (_, fps) => gradient(fps, ['0x401008', '0xb04018', '0xf0a030', '0x602010']),
}

// Drawn small and scaled up: at full size this source alone costs more than the encoder.
function gradient(fps: number, colours: string[]): string {
  const list = colours.map((colour, i) => `c${i}=${colour}`).join(':')
  return `gradients=s=240x135:r=${fps}:nb_colors=4:${list}:seed=7:speed=0.03,format=yuv420p`
}

/** ffmpeg's arguments that write the raw stream to the file `rawName` and one line a frame to `listName`. */
export function videoArguments(recipe: VideoRecipe, rawName: string, listName: string): string[] {
  const { widthPx, heightPx, fps } = recipe
  const size = `${widthPx}x${heightPx}`
  const font = existsSync(FONT_FILE) ? `fontfile=${FONT_FILE}` : 'font=Sans'
  const textPx = Math.max(10, Math.round(heightPx / 16))
  const text = (yPx: number, what: string) =>
    `drawtext=${font}:fontsize=${textPx}:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=${Math.round(textPx / 6)}` +
    `:x=${textPx}:y=${yPx}:text='${what}'`
  const ballPx = Math.round(heightPx / 6)
  // A bright square that crosses the picture, so that motion is plain to see and to detect.
  const ballX = `mod(t*${Math.round(widthPx / 8)},${widthPx - ballPx})`
  const ballY = `${Math.round(heightPx * 0.45)}+${Math.round(heightPx * 0.2)}*sin(t*1.7)`
  const drawn = [
    `overlay=x='${ballX}':y='${ballY}':shortest=1`,
    ...(recipe.noise > 0 ? [`noise=c0s=${recipe.noise}:c0f=t`] : []),
    blockCodeFilters(widthPx, heightPx),
    text(textPx, recipe.title.replace(/[^\w -]/g, '')),
    text(Math.round(textPx * 2.6), '%{pts\\:hms}'),
    text(Math.round(textPx * 4.2), '%{n}'),
  ]
  const graph =
    `${SOURCES[recipe.look](size, fps)},scale=${widthPx}:${heightPx}[back];` +
    `color=c=white:s=${ballPx}x${ballPx}:r=${fps}[ball];[back][ball]${drawn.join(',')}`
  const frames = Math.round(recipe.seconds * fps)
  const muxer = recipe.codec === 'h265' ? 'hevc' : recipe.codec
  return [
    ...['-f', 'lavfi', '-i', graph, '-frames:v', String(frames), '-map', '0:v'],
    ...ENCODERS[recipe.codec](recipe),
    ...['-f', 'tee', `[f=${muxer}]${rawName}|[f=framecrc]${listName}`],
  ]
}

const ENCODERS: Record<VideoCodec, (recipe: VideoRecipe) => string[]> = {
  h264: (r) => [
    ...['-c:v', 'libx264', '-preset', 'superfast', '-profile:v', 'high', ...rate(r), '-bf', String(r.bFrames)],
    ...['-g', String(r.gopFrames), '-keyint_min', String(r.gopFrames), '-sc_threshold', '0'],
    ...['-x264-params', 'slices=1:open-gop=0:b-pyramid=0:b-adapt=0:repeat-headers=1'],
  ],
  h265: (r) => [
    ...['-c:v', 'libx265', '-preset', 'ultrafast', ...rate(r)],
    '-x265-params',
    `keyint=${r.gopFrames}:min-keyint=${r.gopFrames}:scenecut=0:open-gop=0:bframes=${r.bFrames}` +
      ':repeat-headers=1:slices=1:info=0:log-level=error',
  ],
  // RFC 2435 sends no Huffman tables: the standard ones are understood.
  mjpeg: (r) => ['-c:v', 'mjpeg', '-huffman', 'default', '-pix_fmt', 'yuvj420p', '-b:v', `${r.bitrateKbps}k`],
}

function rate(recipe: VideoRecipe): string[] {
  const { bitrateKbps } = recipe
  return ['-b:v', `${bitrateKbps}k`, '-maxrate', `${Math.round(bitrateKbps * 1.1)}k`, '-bufsize', `${bitrateKbps}k`]
}

/** ffmpeg's arguments that write the raw sound to the file `rawName`: ADTS frames, or bare G.711 bytes. */
export function audioArguments(recipe: AudioRecipe, rawName: string): string[] {
  const sampleRate = recipe.codec === 'aac' ? 16000 : 8000
  const beep = '0.25*sin(2*PI*880*t)*lt(mod(t,1),0.12)+0.01*(random(0)-0.5)'
  // The encoder's first frames are priming; a second more than needed leaves enough after they are cut.
  const source = `aevalsrc='${beep}':s=${sampleRate}:d=${recipe.seconds + 1}`
  const codec = {
    aac: ['-c:a', 'aac', '-b:a', '32k', '-f', 'adts'],
    pcmu: ['-c:a', 'pcm_mulaw', '-f', 'mulaw'],
    pcma: ['-c:a', 'pcm_alaw', '-f', 'alaw'],
  }[recipe.codec]
  return ['-f', 'lavfi', '-i', source, ...codec, rawName]
}
