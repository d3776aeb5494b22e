// What may stand between the archives and the trailer: "QDK", records of type, length and payload, a closing 0xFF.

const mark = Buffer.from('QDK')
const closing = 0xff
const typeNames: Record<number, string> = { 1: 'GPG signature', 254: 'code signature' }

export interface SignatureRecord {
  type: number
  name: string
  /** Offset of the payload within the area, in bytes. */
  atByte: number
  payload: Buffer
}

/** The records of an area, or what is wrong with it. */
export function parseSignatureArea(area: Buffer): { records: SignatureRecord[]; finding: string | undefined } {
  const records: SignatureRecord[] = []
  const wrong = (finding: string) => ({ records, finding })
  if (!area.subarray(0, mark.length).equals(mark)) return wrong('does not begin with "QDK"')
  let at = mark.length
  for (;;) {
    if (at >= area.length) return wrong('has no closing byte FF')
    const type = area[at]!
    if (type === closing) break
    if (at + 5 > area.length) return wrong(`ends within the head of the record at byte ${at}`)
    const length = area.readUInt32BE(at + 1)
    const payload = area.subarray(at + 5, at + 5 + length)
    if (payload.length < length) return wrong(`ends within the record at byte ${at}, which tells of ${length} bytes`)
    records.push({ type, name: typeNames[type] ?? `record of type ${type}`, atByte: at + 5, payload })
    at += 5 + length
  }
  if (at + 1 !== area.length) return wrong(`goes on for ${area.length - at - 1} bytes after its closing byte`)
  return { records, finding: undefined }
}

/**
 * Whether a code signature is one of this content: its CMS, in S/MIME text, holds the content's SHA-1. Who signed it is
 * not looked at.
 */
export function signsDigest(payload: Buffer, sha1: Buffer): boolean {
  const body = payload.toString('latin1').split(/\r?\n\r?\n/)[1] ?? ''
  return Buffer.from(body, 'base64').includes(sha1)
}
