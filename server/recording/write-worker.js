// @ts-check
// Writes what a WriteThread gives to it, one after the other. May hang in a write for as long as its volume does.
import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { workerData } from 'node:worker_threads'
import { control, place, ringPlaces } from './write-ring.js'

const ring = /** @type {import('./write-ring.js').WriteRing} */ (workerData)
const memory = new Uint8Array(ring.memory)

/**
 * Returns 0, or the error's number.
 *
 * @param {number} file
 * @param {number} start
 * @param {number} end
 * @param {number} position
 */
function write(file, start, end, position) {
  try {
    while (start < end) {
      const written = writeSync(file, memory, start, end - start, position)
      if (written <= 0) return -constants.errno.EIO
      start += written
      position += written
    }
    return 0
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).errno ?? -constants.errno.EIO
  }
}

/** @param {number} index */
function writePlace(index) {
  const at = index * place.fields
  const file = ring.places[at + place.file] ?? -1
  const start = ring.places[at + place.start] ?? 0
  const count = ring.places[at + place.count] ?? 0
  ring.places[at + place.result] = write(file, start, start + count, ring.positions[index] ?? 0)
}

let ended = 0
for (;;) {
  if (ended === Atomics.load(ring.control, control.given)) {
    Atomics.wait(ring.control, control.given, ended)
    continue
  }
  writePlace(ended & (ringPlaces - 1))
  ended = (ended + 1) | 0
  Atomics.store(ring.control, control.ended, ended)
}
