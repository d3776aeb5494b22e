// RTSP interleaved framing (RFC 2326 §10.12): media packets and RTSP messages on one connection, parsed where they lie.
import { copyBytes } from '../copy-bytes.ts'

/**
 * The process's one arena, and the part of it that sockets read into.
 *
 * All media stays in this one array from the socket to the disk, so that bytes move within it and no view is made for a
 * packet. The `onread` buffer of every camera's socket is `[readStart, readStart + readBytes)`: reads are parsed
 * before the callback returns, so one buffer serves all. At least `carryRoomBytes` before `readStart` are free for the
 * unfinished tail of the read before.
 */
export interface ReadBuffer {
  bytes: Uint8Array
  readStart: number
  readBytes: number
}

/** What must be free in front of a read, for the tail that the read before left unfinished. */
export const carryRoomBytes = 160 * 1024

/** The longest message head; a camera that sends more is not speaking RTSP. */
const maxHeadBytes = 64 * 1024
/** The longest message body: an SDP of a camera has a few kilobytes. */
const maxBodyBytes = 1024 * 1024

/** What a connection's bytes hold. `bytes` is valid during the call only. */
export interface InterleavedHandler {
  /** The payload of one `$` frame of a channel that was named by `setChannels`: an RTP or RTCP packet. */
  onPacket(channel: number, bytes: Uint8Array, start: number, end: number): void
  /**
   * One whole RTSP message, head and body. Of a message whose Content-Length is over 1 MiB only the head is given, and
   * what follows is searched for the next frame.
   */
  onMessage(bytes: Uint8Array, start: number, end: number): void
}

/** What a channel carries, as `setChannels` is told. */
export const channelKind = { none: 0, rtp: 1, rtcp: 2 } as const

const dollar = 0x24
const carriageReturn = 0x0d
const lineFeed = 0x0a

const asciiBytes = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))

/** How a message can begin: a response, or one of the requests a server may send (RFC 2326 §10, RFC 7826 §13). */
const messageWords = [
  'RTSP/1.',
  'OPTIONS ',
  'ANNOUNCE ',
  'REDIRECT ',
  'GET_PARAMETER ',
  'SET_PARAMETER ',
  'TEARDOWN ',
  'PLAY_NOTIFY ',
  'PLAY ',
  'PAUSE ',
  'DESCRIBE ',
  'SETUP ',
].map(asciiBytes)

const contentLengthWord = asciiBytes('content-length')

const verdict = { no: 0, yes: 1, wait: 2 } as const
type Verdict = (typeof verdict)[keyof typeof verdict]

/**
 * Parses one connection's bytes: `$` frames and RTSP messages, in place and without an object for each.
 *
 * A frame that begins where the last one ended is believed when its payload looks like RTP or RTCP. Where that fails
 * (garbage, a length that lied, bytes lost by a broken camera) the reader searches: for an RTSP message, or for a frame
 * of a known channel and sender, or one that is followed by another frame or message. Nothing that a peer sends makes
 * it throw, and it never keeps more than one frame, one head (64 KiB each) and one body (1 MiB).
 */
export class InterleavedReader {
  readonly #handler: InterleavedHandler
  readonly #kinds = new Uint8Array(256)
  #hasChannels = false
  /** The sender of the last packet of each channel (its SSRC), by which a packet is known again behind garbage. */
  readonly #senders = new Uint32Array(256)
  readonly #hasSender = new Uint8Array(256)
  #carry = new Uint8Array(0)
  #carryBytes = 0
  /** How much of an unfinished head has been searched for its end already, from its first byte. */
  #headScanned = 0
  /** A message whose body is still coming, in an array of its own, and how much of it has come. */
  #message: Uint8Array | undefined
  #messageFill = 0
  #isSearching = false
  #isClosed = false
  #skipped = 0

  constructor(handler: InterleavedHandler) {
    this.#handler = handler
  }

  /** Bytes that were no part of any frame or message, so far. */
  get skippedBytes(): number {
    return this.#skipped
  }

  /** Names the channels agreed on in SETUP; frames of others are passed over. */
  setChannel(channel: number, kind: 'rtp' | 'rtcp'): void {
    this.#kinds[channel] = channelKind[kind]
    this.#hasChannels = true
  }

  /** Ends parsing at once, also from within a handler's call: nothing is handed on any more. */
  close(): void {
    this.#isClosed = true
    this.#carry = new Uint8Array(0)
    this.#carryBytes = 0
    this.#message = undefined
  }

  /**
   * Parses `bytes[start, end)`, what one read brought, and hands on all that is whole in it.
   *
   * Writes the tail kept from the last push in front of `start`, where `carryRoomBytes` must be free.
   *
   * @returns how many bytes are kept for the next push
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isClosed) return 0
    let from = start
    if (this.#message !== undefined) from = this.#fillMessage(this.#message, bytes, start, end)
    if (this.#carryBytes > 0) {
      from -= this.#carryBytes
      copyBytes(this.#carry, 0, this.#carryBytes, bytes, from)
      this.#carryBytes = 0
    }
    const rest = this.#parse(bytes, from, end)
    if (this.#isClosed) return 0
    const kept = end - rest
    if (kept > 0) this.#keep(bytes, rest, end)
    return kept
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start
    if (this.#carry.length < size) this.#carry = new Uint8Array(Math.max(2048, 1 << (32 - Math.clz32(size - 1))))
    copyBytes(bytes, start, end, this.#carry, 0)
    this.#carryBytes = size
  }

  /** Returns where the unfinished rest begins. */
  #parse(bytes: Uint8Array, from: number, end: number): number {
    let at = from
    while (at < end && !this.#isClosed) {
      if (bytes[at] === dollar && !this.#isSearching) {
        // The way of nearly every packet: keep it short.
        if (at + 4 > end) return at
        const channel = bytes[at + 1]!
        const size = (bytes[at + 2]! << 8) | bytes[at + 3]!
        const next = at + 4 + size
        const looks = this.#looksLikePacket(bytes, at, end, channel, size)
        if (looks === verdict.no) {
          this.#isSearching = true
          continue
        }
        if (looks === verdict.wait || next > end) return at
        at = next
        if (this.#kinds[channel] !== channelKind.none && size > 0) {
          this.#senders[channel] = senderOf(bytes, at - size)
          this.#hasSender[channel] = 1
          this.#handler.onPacket(channel, bytes, next - size, next)
        }
        continue
      }
      const step = this.#isSearching ? this.#search(bytes, at, end) : this.#text(bytes, at, end)
      if (step < 0) return -step - 1
      at = step
    }
    return at
  }

  /** Handles what stands between frames. Returns where to go on, or `-1 - at` to wait for more from `at`. */
  #text(bytes: Uint8Array, at: number, end: number): number {
    // Empty lines before a message are to be ignored (RFC 2326 §4.1 by way of RFC 2068 §4.1).
    if (bytes[at] === carriageReturn || bytes[at] === lineFeed) return at + 1
    const looks = looksLikeMessage(bytes, at, end)
    if (looks === verdict.wait) return -1 - at
    if (looks === verdict.yes) return this.#takeMessage(bytes, at, end)
    this.#isSearching = true
    return at
  }

  /** Looks from `at` for where sense begins again. Returns as `#text` does. */
  #search(bytes: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      const byte = bytes[i]!
      let found: Verdict = verdict.no
      if (byte === dollar) found = this.#looksLikeFrame(bytes, i, end)
      else if (byte >= 0x41 && byte <= 0x5a) found = looksLikeMessage(bytes, i, end)
      if (found === verdict.no) continue
      this.#skipped += i - at
      if (found === verdict.wait) return -1 - i
      this.#isSearching = false
      return i
    }
    this.#skipped += end - at
    return end
  }

  /**
   * As `#looksLikePacket`, and it must come from the sender its channel had, or be followed by another frame or message:
   * garbage seldom gets that far.
   */
  #looksLikeFrame(bytes: Uint8Array, at: number, end: number): Verdict {
    if (at + 4 > end) return verdict.wait
    const channel = bytes[at + 1]!
    if (this.#hasChannels && this.#kinds[channel] === channelKind.none) return verdict.no
    const size = (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (size === 0) return verdict.no
    const looks = this.#looksLikePacket(bytes, at, end, channel, size)
    if (looks !== verdict.yes) return looks
    if (this.#hasSender[channel] === 1) {
      if (at + 16 > end && at + 4 + size > end) return verdict.wait
      if (senderOf(bytes, at + 4) === this.#senders[channel]) return verdict.yes
    }
    const next = at + 4 + size
    if (next >= end) return verdict.wait
    const byte = bytes[next]!
    if (byte === dollar || byte === carriageReturn || byte === lineFeed) return verdict.yes
    return looksLikeMessage(bytes, next, end) === verdict.no ? verdict.no : verdict.yes
  }

  /**
   * Tells by its first two bytes whether a frame's payload may be RTP (version 2, RFC 3550 §5.1) or RTCP (types 200 to
   * 207; RFC 3550 §6, RFC 4585 §6.1, RFC 3611 §2). An empty frame is let pass: some cameras send them to keep alive.
   */
  #looksLikePacket(bytes: Uint8Array, at: number, end: number, channel: number, size: number): Verdict {
    if (size === 0) return verdict.yes
    if (size < 4) return verdict.no
    if (at + 6 > end) return verdict.wait
    if (bytes[at + 4]! >> 6 !== 2) return verdict.no
    const type = bytes[at + 5]!
    const isRtcp = type >= 200 && type <= 207
    const kind = this.#kinds[channel]
    if (kind === channelKind.rtcp) return isRtcp ? verdict.yes : verdict.no
    return isRtcp || size >= 12 ? verdict.yes : verdict.no
  }

  /** Takes a message that begins at `at`, or its first part. Returns as `#text` does. */
  #takeMessage(bytes: Uint8Array, at: number, end: number): number {
    const headEnd = this.#findHeadEnd(bytes, at, end)
    if (headEnd === 0) return -1 - at
    if (headEnd < 0) {
      // No head: a word that stood in garbage by chance. Go on behind it.
      this.#headScanned = 0
      this.#isSearching = true
      this.#skipped += 1
      return at + 1
    }
    const bodyBytes = contentLength(bytes, at, headEnd)
    if (bodyBytes > 0 && bodyBytes <= maxBodyBytes) {
      const present = end - headEnd
      // Enough to tell a body from the next frame: some cameras announce one and send none.
      if (present < Math.min(bodyBytes, 7)) return -1 - at
      if (!this.#isBodyMissing(bytes, headEnd, end)) {
        this.#headScanned = 0
        if (present >= bodyBytes) {
          this.#handler.onMessage(bytes, at, headEnd + bodyBytes)
          return headEnd + bodyBytes
        }
        this.#message = new Uint8Array(headEnd - at + bodyBytes)
        this.#message.set(bytes.subarray(at, end))
        this.#messageFill = end - at
        return end
      }
    }
    this.#headScanned = 0
    this.#handler.onMessage(bytes, at, headEnd)
    return headEnd
  }

  #isBodyMissing(bytes: Uint8Array, at: number, end: number): boolean {
    if (bytes[at] !== dollar) return startsWith(bytes, at, end, messageWords[0]!) === verdict.yes
    const channel = bytes[at + 1]!
    if (end - at < 6 || this.#kinds[channel] === channelKind.none) return false
    return this.#looksLikePacket(bytes, at, end, channel, (bytes[at + 2]! << 8) | bytes[at + 3]!) === verdict.yes
  }

  #fillMessage(message: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
    const size = Math.min(message.length - this.#messageFill, end - start)
    message.set(bytes.subarray(start, start + size), this.#messageFill)
    this.#messageFill += size
    if (this.#messageFill === message.length) {
      this.#message = undefined
      this.#handler.onMessage(message, 0, message.length)
    }
    return start + size
  }

  /** Where the head that begins at `at` ends, behind its empty line; 0 where that has not come yet; -1 for no head. */
  #findHeadEnd(bytes: Uint8Array, at: number, end: number): number {
    const limit = Math.min(end, at + maxHeadBytes)
    // Three bytes back, since an empty line may have been cut in two.
    let i = at + Math.max(0, this.#headScanned - 3)
    for (; i < limit; i++) {
      const byte = bytes[i]!
      if (byte === lineFeed) {
        const before = bytes[i - 1] === carriageReturn ? i - 2 : i - 1
        if (before > at && bytes[before] === lineFeed) return i + 1
      } else if (byte < 0x20 && byte !== carriageReturn && byte !== 0x09) return -1
    }
    if (limit - at >= maxHeadBytes) return -1
    this.#headScanned = end - at
    return 0
  }
}

/** The SSRC of a packet that begins at `at`, where RTP (RFC 3550 §5.1) or RTCP (§6.4) has it. */
function senderOf(bytes: Uint8Array, at: number): number {
  const type = bytes[at + 1]!
  const field = type >= 200 && type <= 207 ? at + 4 : at + 8
  return ((bytes[field]! << 24) | (bytes[field + 1]! << 16) | (bytes[field + 2]! << 8) | bytes[field + 3]!) >>> 0
}

/** Whether `bytes[at…)` begins with `word`; `wait` where it ends too soon to tell. */
function startsWith(bytes: Uint8Array, at: number, end: number, word: number[]): Verdict {
  const size = Math.min(word.length, end - at)
  for (let i = 0; i < size; i++) if (bytes[at + i] !== word[i]) return verdict.no
  return size === word.length ? verdict.yes : verdict.wait
}

function looksLikeMessage(bytes: Uint8Array, at: number, end: number): Verdict {
  let best: Verdict = verdict.no
  for (const word of messageWords) {
    const found = startsWith(bytes, at, end, word)
    if (found === verdict.yes) return found
    if (found === verdict.wait) best = found
  }
  return best
}

/** The Content-Length of a head, 0 where it has none or one that is no number. Names are matched in any case. */
function contentLength(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== lineFeed) continue
    let at = i + 1
    let matched = 0
    while (matched < contentLengthWord.length && (bytes[at]! | 0x20) === contentLengthWord[matched]) {
      at++
      matched++
    }
    if (matched < contentLengthWord.length) continue
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
    if (bytes[at] !== 0x3a) continue
    at++
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
    let value = 0
    for (; at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39; at++) {
      value = Math.min(value * 10 + bytes[at]! - 0x30, Number.MAX_SAFE_INTEGER / 16)
    }
    return value
  }
  return 0
}
