// G.711 (ITU-T): eight-bit telephone sound, which no browser plays through Media Source Extensions.

/** The value of each µ-law byte, -1…1. */
export const muLawTable = Float32Array.from({ length: 256 }, (_, byte) => {
  const bits = ~byte & 0xff
  const exponent = (bits >> 4) & 7
  const magnitude = ((((bits & 15) << 3) + 0x84) << exponent) - 0x84
  return (bits & 0x80 ? -magnitude : magnitude) / 32_768
})

/** The value of each A-law byte, -1…1. */
export const aLawTable = Float32Array.from({ length: 256 }, (_, byte) => {
  const bits = byte ^ 0x55
  const exponent = (bits >> 4) & 7
  const mantissa = (bits & 15) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return (bits & 0x80 ? magnitude : -magnitude) / 32_768
})

/** The samples of a packet, interleaved where there are several channels. */
export function decodeG711(bytes: Uint8Array, law: 'mu' | 'a'): Float32Array<ArrayBuffer> {
  const table = law === 'mu' ? muLawTable : aLawTable
  const samples = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) samples[i] = table[bytes[i]!]!
  return samples
}
