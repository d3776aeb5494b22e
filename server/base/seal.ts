// Secrets at rest: AES-256-GCM under a key that stands in a file of its own, readable by the server's user alone.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Failure } from '../../shared/failure.ts'

const keyBytes = 32
const ivBytes = 12
const tagBytes = 16
const version = 'v1.'

/**
 * Seals short texts, such as a camera's password.
 *
 * `context` says what a text is (`camera:<id>:password`): sealed under one it opens under no other, so a row that was
 * copied over another gives nothing away. It is not stored with the text.
 */
export class Seal {
  readonly #key: Buffer

  constructor(key: Buffer) {
    if (key.length !== keyBytes) throw new Failure('corrupt', `seal key: ${key.length} bytes, ${keyBytes} expected`)
    this.#key = key
  }

  /**
   * Reads the key file, and makes it (mode 0600, synced) where there is none.
   *
   * Fails `corrupt` where the file is of another length: a new key would make every sealed password unreadable.
   */
  static open(path: string): Seal {
    try {
      return new Seal(readFileSync(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    mkdirSync(dirname(path), { recursive: true })
    const key = randomBytes(keyBytes)
    let fd: number
    try {
      fd = openSync(path, 'wx', 0o600)
    } catch (error) {
      // The recorder may have made it between the two calls.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return new Seal(readFileSync(path))
      throw error
    }
    try {
      writeSync(fd, key)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    return new Seal(key)
  }

  /** Gives `v1.` and base64 of IV (12 bytes), tag (16) and what was sealed. The same text seals differently each time. */
  seal(text: string, context: string): string {
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    cipher.setAAD(Buffer.from(context, 'utf8'))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return version + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
  }

  /** The text again. Fails `corrupt` where it was sealed under another key or context, or was changed. */
  unseal(sealed: string, context: string): string {
    const bytes = sealed.startsWith(version) ? Buffer.from(sealed.slice(version.length), 'base64') : undefined
    if (bytes === undefined || bytes.length < ivBytes + tagBytes) {
      throw new Failure('corrupt', `unseal ${context}: not a sealed text`)
    }
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes))
    decipher.setAAD(Buffer.from(context, 'utf8'))
    decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
    try {
      return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
    } catch (cause) {
      throw new Failure('corrupt', `unseal ${context}: sealed under another key, or changed since`, { cause })
    }
  }
}
