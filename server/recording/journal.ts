// The volume's journal: what must be known of its files before they are looked at (FORMAT.md §7).
import { crc32 } from '../media/crc32.ts'
import { type Disk, isFull } from './disk.ts'
import { parseSegmentPath } from './segment-path.ts'

export type JournalRecord =
  | { reserve: number }
  | { open: string; seq: number }
  | { closed: string; bytes: number }
  | { tombstone: string; seq: number; bytes: number }
  | { gone: string }
  | { forget: string }
  | { lock: string; channel: string; fromUs: number; toUs: number }
  | { unlock: string }
  | { channel: string; name: string }
  | { used: number }
  | { stepped: 1 }
  | { latest: number }

export interface Lock {
  channel: string
  fromUs: number
  toUs: number
}

/** What the journal's records add up to. Paths are below the space's folder. */
export interface JournalState {
  /** Sequence numbers below this may have been used. */
  reserved: number
  /** Segments being written, with their sequence numbers. */
  open: Map<string, number>
  /** Segments being deleted, or deleted and not yet forgotten. */
  tombstones: Map<string, { seq: number; bytes: number; isGone: boolean }>
  locks: Map<string, Lock>
  channels: Map<string, string>
  /** Bytes of all closed segments; undefined where nothing tells, and they must be counted. */
  closedBytes: number | undefined
  /** True where a segment was once made with an earlier time than one before it: names no longer tell the order. */
  hasStepped: boolean
  /** The latest start of any segment made, UTC microseconds; 0 where none is known. */
  latestStartUs: number
}

const rotateBytes = 1024 * 1024

/**
 * Spaces written ahead of the records, in bytes: on a full disk there is still room for the tombstones of what makes
 * room. More than a round of deletions needs.
 */
const padBytes = 64 * 1024

/** Of these, what is kept for tombstones: nothing new is begun once no more is left. */
const keptPadBytes = padBytes / 2

/** Appends records and keeps what they add up to. Nothing is safe until `sync` resolves. */
export class Journal {
  readonly state: JournalState = {
    reserved: 0,
    open: new Map(),
    tombstones: new Map(),
    locks: new Map(),
    channels: new Map(),
    closedBytes: undefined,
    hasStepped: false,
    latestStartUs: 0,
  }
  readonly #disk: Disk
  readonly #folder: string
  #file = -1
  #number = 0
  #position = 0
  /** How far the file has its blocks. */
  #allocated = 0
  #mustRestate = false
  #pending: string[] = []
  /** The sync under way, and the one that waits to begin after it. */
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /** Reads the journal in `folder` (made where missing) and begins a new file that restates it. */
  static async open(disk: Disk, folder: string): Promise<Journal> {
    const journal = new Journal(disk, folder)
    const wasMade = await disk.makeFolder(folder)
    if (wasMade) await disk.syncFolder(folder.slice(0, folder.lastIndexOf('/')))
    for (const number of await journal.#numbers()) {
      for (const record of parseLines(await readWhole(disk, journal.#path(number)))) apply(journal.state, record)
      journal.#number = number
    }
    await journal.#beginFile()
    return journal
  }

  async #numbers(): Promise<number[]> {
    const entries = (await this.#disk.list(this.#folder)) ?? []
    return entries
      .map((entry) => /^(\d+)\.log$/.exec(entry.name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b)
  }

  #path(number: number): string {
    return `${this.#folder}/${number}.log`
  }

  /** The new file is whole and safe before the older ones go: stopped anywhere, replaying all of them gives the same. */
  async #beginFile(): Promise<void> {
    const older = await this.#numbers()
    const number = Math.max(this.#number, ...older) + 1
    const records = new TextEncoder().encode(restate(this.state).map(line).join(''))
    const bytes = new Uint8Array(records.length + padBytes).fill(0x20)
    bytes.set(records)
    const file = await this.#disk.open(this.#path(number), 'create')
    try {
      await this.#disk.write(file, bytes, 0, bytes.length, 0)
      await this.#disk.sync(file)
      await this.#disk.syncFolder(this.#folder)
    } catch (error) {
      await this.#disk.close(file).catch(() => undefined)
      throw error
    }
    // The old one may be on a disk that was pulled: that it cannot be closed matters to nobody.
    if (this.#file >= 0) await this.#disk.close(this.#file).catch(() => undefined)
    this.#file = file
    this.#number = number
    this.#position = records.length
    this.#allocated = bytes.length
    this.#mustRestate = false
    for (const old of older) await this.#disk.unlink(this.#path(old))
    if (older.length > 0) await this.#disk.syncFolder(this.#folder)
  }

  /** Something failed on the volume: the next sync begins a new file, since this one may be out of reach. */
  restateNext(): void {
    this.#mustRestate = true
  }

  append(record: JournalRecord): void {
    apply(this.state, record)
    this.#pending.push(line(record))
  }

  /**
   * Makes sure that a segment may be begun and still be deleted, whatever the disk does: a full one is tried again and again,
   * and each try writes records. Fails `ENOSPC` where the disk has no room for the records to come.
   */
  async makeRoom(): Promise<void> {
    if (this.#roomBytes >= keptPadBytes) return
    await this.sync()
    if (this.#roomBytes < keptPadBytes) await this.#allocate(this.#allocated)
    if (this.#roomBytes >= keptPadBytes) return
    throw Object.assign(new Error('the disk has no room for the journal'), { code: 'ENOSPC' })
  }

  /** Bytes on the disk that no record uses. */
  get #roomBytes(): number {
    return this.#allocated - this.#position - this.#pending.reduce((sum, text) => sum + text.length, 0)
  }

  /** Everything appended before this call is safe when it resolves. Calls that come together share one sync. */
  sync(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#flush().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.sync()
      })
    return this.#next
  }

  async #flush(): Promise<void> {
    if (this.#pending.length === 0 && !this.#mustRestate) return
    if (this.#mustRestate || this.#position > rotateBytes) {
      // What is pending has been applied to the state, so the new file restates it too.
      const covered = this.#pending.length
      try {
        await this.#beginFile()
        this.#pending.splice(0, covered)
        return
      } catch (error) {
        // A full disk has no room for a new file: the old one goes on growing in what it has.
        if (this.#mustRestate || !isFull(error)) throw error
      }
    }
    const lines = this.#pending.slice()
    const bytes = new TextEncoder().encode(lines.join(''))
    if (this.#position + bytes.length > this.#allocated) await this.#allocate(this.#position + bytes.length)
    // After a failure the same lines are written at the same place again.
    await this.#disk.write(this.#file, bytes, 0, bytes.length, this.#position)
    await this.#disk.sync(this.#file)
    this.#position += bytes.length
    this.#pending.splice(0, lines.length)
  }

  async #allocate(through: number): Promise<void> {
    const pad = new Uint8Array(through - this.#allocated + padBytes).fill(0x20)
    try {
      await this.#disk.write(this.#file, pad, 0, pad.length, this.#allocated)
      this.#allocated += pad.length
    } catch (error) {
      // What there is may do for now.
      if (!isFull(error)) throw error
    }
  }

  async close(): Promise<void> {
    await this.sync()
    if (this.#file >= 0) await this.#disk.close(this.#file)
    this.#file = -1
  }
}

function line(record: JournalRecord): string {
  const text = JSON.stringify(record)
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`
}

function parseLines(bytes: Uint8Array): JournalRecord[] {
  const records: JournalRecord[] = []
  for (const text of new TextDecoder().decode(bytes).split('\n')) {
    const json = text.slice(9)
    if (text[8] !== ' ' || text.slice(0, 8) !== crc32(json).toString(16).padStart(8, '0')) continue
    records.push(JSON.parse(json) as JournalRecord)
  }
  return records
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
  const size = (await disk.stat(path))?.sizeBytes ?? 0
  const file = await disk.open(path, 'read')
  try {
    return await disk.read(file, 0, size)
  } finally {
    await disk.close(file)
  }
}

function apply(state: JournalState, record: JournalRecord): void {
  if ('reserve' in record) state.reserved = Math.max(state.reserved, record.reserve)
  else if ('open' in record) {
    state.open.set(record.open, record.seq)
    state.latestStartUs = Math.max(state.latestStartUs, parseSegmentPath(record.open)?.startUs ?? 0)
  } else if ('closed' in record) {
    if (state.open.delete(record.closed)) addBytes(state, record.bytes)
  } else if ('tombstone' in record) {
    state.tombstones.set(record.tombstone, { seq: record.seq, bytes: record.bytes, isGone: false })
  } else if ('gone' in record) {
    const tombstone = state.tombstones.get(record.gone)
    if (tombstone === undefined || tombstone.isGone) return
    tombstone.isGone = true
    addBytes(state, -tombstone.bytes)
  } else if ('forget' in record) state.tombstones.delete(record.forget)
  else if ('lock' in record) state.locks.set(record.lock, record)
  else if ('unlock' in record) state.locks.delete(record.unlock)
  else if ('channel' in record) state.channels.set(record.channel, record.name)
  else if ('used' in record) state.closedBytes = record.used
  else if ('stepped' in record) state.hasStepped = true
  else if ('latest' in record) state.latestStartUs = Math.max(state.latestStartUs, record.latest)
}

function addBytes(state: JournalState, bytes: number): void {
  if (state.closedBytes !== undefined) state.closedBytes = Math.max(0, state.closedBytes + bytes)
}

function restate(state: JournalState): JournalRecord[] {
  const records: JournalRecord[] = [{ reserve: state.reserved }]
  if (state.hasStepped) records.push({ stepped: 1 })
  if (state.latestStartUs > 0) records.push({ latest: state.latestStartUs })
  for (const [channel, name] of state.channels) records.push({ channel, name })
  for (const [lock, span] of state.locks) {
    records.push({ lock, channel: span.channel, fromUs: span.fromUs, toUs: span.toUs })
  }
  for (const [open, seq] of state.open) records.push({ open, seq })
  for (const [tombstone, { seq, bytes, isGone }] of state.tombstones) {
    records.push({ tombstone, seq, bytes })
    if (isGone) records.push({ gone: tombstone })
  }
  // Last: it counts what the records before it would add or take away once more.
  if (state.closedBytes !== undefined) records.push({ used: state.closedBytes })
  return records
}
