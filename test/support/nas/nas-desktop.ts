// The desktop page of a simulated NAS: the packages' icons, for who is logged in; an app opens in a frame or a new tab.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Section, sectionsOf } from './qpkg-conf.ts'

/** The largest frame QTS opens an app in, in pixels inside. */
const most = { widthPx: 1178, heightPx: 600 }

export interface NasDesktopOptions {
  readConf: () => string
  /** The user of a session of the NAS, or undefined. */
  userOf: (sid: string) => string | undefined
}

/**
 * Answers `/`: with `?sid=` the page, which sets the cookies a log-in leaves behind; so with those cookies. `?open=NAME`
 * has that package's app open already. False for other addresses.
 */
export function answerDesktop(options: NasDesktopOptions, request: IncomingMessage, response: ServerResponse): boolean {
  const url = new URL(request.url!, 'http://nas')
  if (url.pathname !== '/') return false
  const sid = url.searchParams.get('sid') ?? /(?:^|;\s*)NAS_SID=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
  const user = sid === undefined ? undefined : options.userOf(sid)
  if (user === undefined) {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>NAS</title><p>Log in</p>')
    return true
  }
  const cookies = [
    `NAS_USER=${encodeURIComponent(user)}`,
    `NAS_SID=${sid}`,
    `qtoken=${randomBytes(16).toString('hex')}`,
  ]
  response.writeHead(200, {
    'Content-Type': 'text/html',
    'Set-Cookie': cookies.map((cookie) => `${cookie}; Path=/`),
    'X-Frame-Options': 'SAMEORIGIN',
  })
  const apps = sectionsOf(options.readConf()).filter((one) => one.get('Enable') === 'TRUE' && one.get('WebUI'))
  const opened = apps.find((one) => one.name === url.searchParams.get('open'))
  response.end(`<!doctype html><title>NAS</title>${apps.map(iconOf).join('')}${opened ? frameOf(opened) : ''}`)
  return true
}

function iconOf(app: Section): string {
  const name = app.get('Display_Name') ?? app.name
  const address = app.get('Desktop') === '1' ? `/?open=${app.name}` : app.get('WebUI')
  const target = app.get('Desktop') === '1' ? '' : ' target="_blank"'
  return `<a href="${address}"${target}>${name}</a>`
}

function frameOf(app: Section): string {
  const width = Math.min(most.widthPx, Number(app.get('Win_Width')) || most.widthPx)
  const height = Math.min(most.heightPx, Number(app.get('Win_Height')) || most.heightPx)
  return `<iframe title="${app.name}" width="${width}" height="${height}" src="${app.get('WebUI')}"></iframe>`
}
