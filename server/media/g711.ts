/** G.711 sound (ITU-T G.711): both laws to 16-bit samples, by table. */

/** A byte of silence in each law: what a gap in a movie is filled with. */
export const g711Silence = { pcmu: 0xff, pcma: 0xd5 } as const

/** Linear value of each mu-law byte, ±32124. */
export const muLawTable: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff
  const exponent = (code >> 4) & 7
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << exponent) - 0x84
  return code & 0x80 ? -magnitude : magnitude
})

/** Linear value of each A-law byte, ±32256. */
export const aLawTable: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55
  const exponent = (code >> 4) & 7
  const mantissa = ((code & 0x0f) << 4) + 8
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1)
  return code & 0x80 ? magnitude : -magnitude
})

/** Decodes G.711 to new 16-bit linear samples, one for each byte. */
export function decodeG711(codec: 'pcmu' | 'pcma', bytes: Uint8Array): Int16Array {
  const table = codec === 'pcmu' ? muLawTable : aLawTable
  const samples = new Int16Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) samples[i] = table[bytes[i]!]!
  return samples
}
