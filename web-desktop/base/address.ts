// Everything is relative to the page, which may stand under any base path and behind any proxy prefix.

/** The full address of a path of the server's, such as `api/session`. */
export function addressOf(path: string): string {
  return new URL(path, document.baseURI).href
}

/** The same for a WebSocket. */
export function socketAddressOf(path: string): string {
  return addressOf(path).replace(/^http/, 'ws')
}

/** A path with its query; what is undefined is left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}
