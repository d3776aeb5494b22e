/** Where a track of a presentation is set up (RFC 2326 §C.1.1). */

/**
 * Resolves a `control` attribute against the presentation's base: Content-Base, Content-Location or the address that was
 * described. `*` and nothing stand for the base itself; an absolute address stands for itself.
 *
 * Anything else is put after the base, with one slash between. That is not what RFC 1808 says for a base that does not
 * end in a slash, or has a query, but it is what cameras are made for: those with bases such as
 * `/cam/realmonitor?channel=1&subtype=0` expect `/cam/realmonitor?channel=1&subtype=0/trackID=0`.
 */
export function resolveControl(base: string, control: string | undefined): string {
  if (control === undefined || control === '' || control === '*') return base
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(control)) return control
  if (control.startsWith('?')) return base + control
  return `${base.replace(/\/$/, '')}/${control.replace(/^\//, '')}`
}

/**
 * The base that a DESCRIBE's answer gives (RFC 2326 §C.1.1): Content-Base, else Content-Location, else the request's
 * address. A relative one, as some cameras send, is resolved against the address.
 */
export function presentationBase(requestUrl: string, contentBase?: string, contentLocation?: string): string {
  const given = [contentBase, contentLocation].find((value) => value !== undefined && value.trim() !== '')?.trim()
  if (given === undefined) return requestUrl
  if (/^rtsps?:\/\/[^/]/i.test(given)) return given
  if (given.startsWith('/')) return (/^[a-z]+:\/\/[^/?#]*/i.exec(requestUrl)?.[0] ?? '') + given
  return requestUrl
}
