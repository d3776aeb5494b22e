// How ffmpeg is asked for a stream, and what its last words mean.
import { fileURLToPath } from 'node:url'
import { type SourceKind, sourceKindOf } from '../../shared/source-kind.ts'
import type { StreamFault } from '../../shared/stream.ts'
import type { SourceAddress } from './source.ts'

/** What goes before ffmpeg's `-i`, and what follows it. */
export interface FfmpegInput {
  input: string
  options: string[]
}

/** Only these may be opened: a playlist or a redirect must not lead ffmpeg to the server's own files. */
const protocolsOfKind: Record<Exclude<SourceKind, 'rtsp'>, string> = {
  rtmp: 'rtmp,rtmps,rtmpe,rtmpt,rtmpts,ffrtmphttp,ffrtmpcrypt,tcp,tls,http,https',
  'http-mjpeg': 'http,https,tcp,tls,httpproxy',
  'mpegts-udp': 'udp,rtp',
  file: 'file',
}

/**
 * The input of an address. Login and address stand together in the child's command line, which the machine's other users
 * may see while it runs: ffmpeg takes them in no other way.
 */
export function ffmpegInput({ url, username, password }: SourceAddress): FfmpegInput {
  const kind = sourceKindOf(url)
  if (kind === undefined || kind === 'rtsp') throw new Error(`${kind ?? 'unknown'} is not fetched by ffmpeg`)
  const options = ['-hide_banner', '-nostats', '-nostdin', '-protocol_whitelist', protocolsOfKind[kind]]
  // Live input must not be looked at for the usual five seconds before anything is let through.
  const probe = ['-analyzeduration', '2000000', '-probesize', '1000000', '-fflags', '+genpts']
  if (kind === 'file') {
    return { input: `file:${fileURLToPath(url)}`, options: [...options, '-re', '-stream_loop', '-1'] }
  }
  if (kind === 'mpegts-udp') {
    // Ten seconds without a datagram end it by itself, should nobody be left to end it.
    const udp = ['-timeout', '12000000', '-overrun_nonfatal', '1', '-fifo_size', '50000', '-f', 'mpegts']
    return { input: url, options: [...options, ...probe, ...udp] }
  }
  const input = withLogin(url, username, password)
  const network = ['-rw_timeout', '12000000']
  // MJPEG over HTTP has no times of its own; ffmpeg would take 25 frames a second for granted.
  if (kind === 'http-mjpeg') return { input, options: [...options, ...network, '-use_wallclock_as_timestamps', '1'] }
  return { input, options: [...options, ...probe, ...network, '-rtmp_live', 'live'] }
}

function withLogin(url: string, username: string, password: string): string {
  if (username === '') return url
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`
  return url.replace(/^([a-z]+:\/\/)(?:[^@/?#]*@)?/i, (_, scheme: string) => `${scheme}${login}`)
}

/** What ffmpeg makes of its input: a fragment for each frame, on standard output. */
export function ffmpegOutput(hasAudio: boolean, isAudioCopied: boolean): string[] {
  const sound = isAudioCopied ? ['-c:a', 'copy', '-bsf:a', 'aac_adtstoasc'] : ['-c:a', 'aac', '-b:a', '64k']
  return [
    ...['-map', '0:v:0', ...(hasAudio ? ['-map', '0:a:0?'] : [])],
    ...['-c:v', 'copy', ...(hasAudio ? sound : ['-an']), '-sn', '-dn'],
    ...['-video_track_timescale', '90000'],
    // A track without packets must not hold back the others for the usual ten seconds.
    ...['-max_interleave_delta', '500000', '-flush_packets', '1'],
    // A fragment a frame. Not by `frag_every_frame`: with sound beside the picture it gives every third frame the time of
    // the next (ffmpeg 5.1.9).
    ...['-frag_duration', '1', '-movflags', 'empty_moov+default_base_moof+delay_moov', '-f', 'mp4'],
  ]
}

/** By the first that matches: what ffmpeg says where each step fails. */
const faultOfWords: [pattern: RegExp, fault: StreamFault][] = [
  [/failed to resolve|name or service not known|name resolution|nodename nor servname/i, 'name-resolution'],
  [/\b40[137]\b|unauthori[sz]ed|forbidden|authmod|authfail|authentication|AccessManager/i, 'login'],
  [/could not find tag for codec|codec not currently supported in container|unknown codec/i, 'codec'],
  [/\b404\b|not found|no such file|is a directory|permission denied|server returned 4/i, 'path'],
  [/ssl|tls|certificate|handshake/i, 'tls'],
  [/refused|timed out|no route|unreachable|cannot open connection|connection to .* failed/i, 'connection'],
  [/does not contain any stream|matches no streams/i, 'no-tracks'],
  [/invalid data|could not find codec parameters|moov atom not found|server error/i, 'protocol'],
]

/** What a line of ffmpeg's standard error says went wrong, or undefined where it says nothing of the sort. */
export function faultOfLine(line: string): StreamFault | undefined {
  return faultOfWords.find(([pattern]) => pattern.test(line))?.[1]
}

/** A line without the part of ffmpeg that says it, `[tcp @ 0x55d0…]`, and without the address it begins with. */
export function plainLine(line: string): string {
  return line
    .replace(/^(?:\[[^\]]*\]\s*)+/, '')
    .replace(/^[a-z]+:\S*?:\s+(?=\D)/i, '')
    .trim()
}

/** What a line says of an input stream's codec: `Stream #0:1: Audio: pcm_mulaw, 8000 Hz`. */
export function streamOfLine(line: string): { kind: 'Video' | 'Audio'; codec: string } | undefined {
  const match = /^\s*Stream #0:\d+.*?: (Video|Audio): ([a-z0-9_]+)/i.exec(line)
  return match === null ? undefined : { kind: match[1] as 'Video' | 'Audio', codec: match[2]! }
}

/** Pictures that are copied as they are, by ffmpeg's names. */
export const ffmpegVideoCodecs: ReadonlySet<string> = new Set(['h264', 'hevc', 'mjpeg'])
