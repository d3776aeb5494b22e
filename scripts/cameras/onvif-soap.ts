// SOAP 1.2 envelopes as ONVIF uses them, and the WS-Security user name token.
import { createHash } from 'node:crypto'

/** What is understood of a request. */
export interface SoapRequest {
  /** Local name of the body's first element, e.g. `GetProfiles`. */
  action: string
  xml: string
}

/** Age at which a user name token is refused, as cameras do. */
const TOKEN_MAX_AGE_MS = 5 * 60_000

/** Reads a request, or gives undefined where there is no body with an element in it. */
export function parseSoap(xml: string): SoapRequest | undefined {
  const match = /<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)/.exec(xml)
  return match ? { action: match[1]!, xml } : undefined
}

/** Text of the first element with this local name, references resolved; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const match = new RegExp(`<(?:[\\w-]+:)?${name}(?:\\s[^>]*)?>([^<]*)</`).exec(xml)
  return match ? unescapeXml(match[1]!) : undefined
}

/** Whether the request carries a user name token, and whether it is right (WS-Security UsernameToken Profile 1.1). */
export function checkUsernameToken(xml: string, user: string, password: string): 'absent' | 'wrong' | 'right' {
  const given = textOf(xml, 'Username')
  if (given === undefined) return 'absent'
  const secret = textOf(xml, 'Password') ?? ''
  const created = textOf(xml, 'Created') ?? ''
  const nonce = Buffer.from(textOf(xml, 'Nonce') ?? '', 'base64')
  if (given !== user) return 'wrong'
  if (!/#PasswordDigest["']/.test(xml)) return secret === password ? 'right' : 'wrong'
  const ageMs = Math.abs(Date.now() - Date.parse(created))
  if (!(ageMs < TOKEN_MAX_AGE_MS)) return 'wrong'
  const expected = createHash('sha1').update(nonce).update(created).update(password).digest('base64')
  return secret === expected ? 'right' : 'wrong'
}

/** A whole answer around the body's content. */
export function envelope(body: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"' +
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"' +
    ' xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"' +
    ' xmlns:ter="http://www.onvif.org/ver10/error">' +
    `<s:Body>${body}</s:Body></s:Envelope>`
  )
}

/** A fault (ONVIF Core 5.8.2); `code` is e.g. `NotAuthorized`, `ActionNotSupported`, `NoProfile`. */
export function soapFault(code: string, text: string): string {
  return envelope(
    '<s:Fault><s:Code><s:Value>s:Sender</s:Value>' +
      `<s:Subcode><s:Value>ter:${code}</s:Value></s:Subcode></s:Code>` +
      `<s:Reason><s:Text xml:lang="en">${escapeXml(text)}</s:Text></s:Reason></s:Fault>`,
  )
}

export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

function unescapeXml(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&')
}
