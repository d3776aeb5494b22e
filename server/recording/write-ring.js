// @ts-check
// The memory through which the recorder's thread tells a write thread what to write: a ring of places. JavaScript, as is
// what runs in the recorder's small threads: stripping types takes 13 MB a thread.

/** Writes that may be under way; a power of two. */
export const ringPlaces = 1024

/** Int32 of the control block: how many writes were given to the thread, and how many it has ended. Both wrap. */
export const control = /** @type {const} */ ({ given: 0, ended: 1 })

/** Int32 of a place: the file, where its bytes are in the shared memory, how many; then what came of it. */
export const place = /** @type {const} */ ({ file: 0, start: 1, count: 2, result: 3, fields: 4 })

/**
 * What both threads share.
 *
 * @typedef {object} WriteRing
 * @property {SharedArrayBuffer} memory what is written is part of this
 * @property {Int32Array} control
 * @property {Int32Array} places `place.fields` a place; the result is 0, or the error's number as Node has it (negative)
 * @property {Float64Array} positions where in the file, a number a place
 */

/**
 * @param {SharedArrayBuffer} memory
 * @returns {WriteRing}
 */
export function makeWriteRing(memory) {
  return {
    memory,
    control: new Int32Array(new SharedArrayBuffer(8)),
    places: new Int32Array(new SharedArrayBuffer(ringPlaces * place.fields * 4)),
    positions: new Float64Array(new SharedArrayBuffer(ringPlaces * 8)),
  }
}
