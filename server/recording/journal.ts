// The volume's journal: what must be known of its files before they are looked at (FORMAT.md §7).
import { crc32 } from 'node:zlib'
import type { Disk } from './disk.ts'

export type JournalRecord =
  | { reserve: number }
  | { open: string; seq: number }
  | { closed: string; bytes: number }
  | { tombstone: string; seq: number }
  | { gone: string }
  | { forget: string }
  | { lock: string; channel: string; fromUs: number; toUs: number }
  | { unlock: string }
  | { channel: string; name: string }
  | { used: number }
  | { stepped: 1 }

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
  tombstones: Map<string, { seq: number; isGone: boolean }>
  locks: Map<string, Lock>
  channels: Map<string, string>
  usedBytes: number | undefined
  /** True where a segment was once made with an earlier time than one before it: names no longer tell the order. */
  hasStepped: boolean
}

const rotateBytes = 1024 * 1024

/** Appends records and keeps what they add up to. Nothing is safe until `sync` resolves. */
export class Journal {
  readonly state: JournalState = {
    reserved: 0,
    open: new Map(),
    tombstones: new Map(),
    locks: new Map(),
    channels: new Map(),
    usedBytes: undefined,
    hasStepped: false,
  }
  readonly #disk: Disk
  readonly #folder: string
  #file = -1
  #number = 0
  #position = 0
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
    const file = await this.#disk.open(this.#path(number), 'create')
    const bytes = new TextEncoder().encode(restate(this.state).map(line).join(''))
    await this.#disk.write(file, bytes, 0, bytes.length, 0)
    await this.#disk.sync(file)
    await this.#disk.syncFolder(this.#folder)
    if (this.#file >= 0) await this.#disk.close(this.#file)
    this.#file = file
    this.#number = number
    this.#position = bytes.length
    for (const old of older) await this.#disk.unlink(this.#path(old))
    if (older.length > 0) await this.#disk.syncFolder(this.#folder)
  }

  append(record: JournalRecord): void {
    apply(this.state, record)
    this.#pending.push(line(record))
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
    if (this.#pending.length === 0) return
    if (this.#position > rotateBytes) {
      // What is pending has been applied to the state, so the new file restates it too.
      const covered = this.#pending.length
      await this.#beginFile()
      this.#pending.splice(0, covered)
      return
    }
    const lines = this.#pending.slice()
    const bytes = new TextEncoder().encode(lines.join(''))
    // After a failure the same lines are written at the same place again.
    await this.#disk.write(this.#file, bytes, 0, bytes.length, this.#position)
    await this.#disk.sync(this.#file)
    this.#position += bytes.length
    this.#pending.splice(0, lines.length)
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
  else if ('open' in record) state.open.set(record.open, record.seq)
  else if ('closed' in record) state.open.delete(record.closed)
  else if ('tombstone' in record) state.tombstones.set(record.tombstone, { seq: record.seq, isGone: false })
  else if ('gone' in record) {
    const tombstone = state.tombstones.get(record.gone)
    if (tombstone !== undefined) tombstone.isGone = true
  } else if ('forget' in record) state.tombstones.delete(record.forget)
  else if ('lock' in record) state.locks.set(record.lock, record)
  else if ('unlock' in record) state.locks.delete(record.unlock)
  else if ('channel' in record) state.channels.set(record.channel, record.name)
  else if ('used' in record) state.usedBytes = record.used
  else if ('stepped' in record) state.hasStepped = true
}

function restate(state: JournalState): JournalRecord[] {
  const records: JournalRecord[] = [{ reserve: state.reserved }]
  if (state.usedBytes !== undefined) records.push({ used: state.usedBytes })
  if (state.hasStepped) records.push({ stepped: 1 })
  for (const [channel, name] of state.channels) records.push({ channel, name })
  for (const [lock, span] of state.locks) {
    records.push({ lock, channel: span.channel, fromUs: span.fromUs, toUs: span.toUs })
  }
  for (const [open, seq] of state.open) records.push({ open, seq })
  for (const [tombstone, { seq, isGone }] of state.tombstones) {
    records.push({ tombstone, seq })
    if (isGone) records.push({ gone: tombstone })
  }
  return records
}
