// Files for the browser: the built desktop at the base path, and the pages that show the API.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import express, { type Response, Router } from 'express'
import type { oas31 } from 'zod-openapi'

/**
 * Names that hold a hash of what is in them (`playback-Ck3s9dQ1.js`) never change, and are kept for a year. A hash has
 * a capital or a digit: `nj-camera-settings.js` has none.
 */
const hashedName = /-(?=[\w-]*[A-Z0-9])[\w-]{8}\.(?:js|css|woff2|svg|png|webp|avif|wasm)(?:\.map)?$/

/** Serves the desktop's folder; its `index.html` at the base path itself. */
export function desktopFiles(folder: string): Router {
  const router = Router()
  router.use(
    express.static(folder, {
      redirect: false,
      setHeaders(response: Response, path: string) {
        const isForEver = hashedName.test(path) && !path.endsWith('.html')
        response.setHeader('Cache-Control', isForEver ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    }),
  )
  return router
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Nightjar API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

// Requests made on the page carry the session's token, as the desktop's do.
const startScript = `let token
const isChange = (method) => !['GET', 'HEAD'].includes((method || 'GET').toUpperCase())
async function addToken(request) {
  if (!isChange(request.method)) return request
  if (token === undefined) {
    const answer = await fetch('session')
    if (answer.ok) token = (await answer.json()).csrfToken
  }
  if (token !== undefined) request.headers['x-csrf-token'] = token
  return request
}
SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', requestInterceptor: addToken, tryItOutEnabled: false })
`

/** `openapi.json` and the page that shows it, at `docs`; to be mounted at `api`. */
export function apiPages(document: () => oas31.OpenAPIObject): Router {
  const router = Router({ strict: true })
  const swaggerFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  router.get('/openapi.json', (_request, response) => {
    response.setHeader('Cache-Control', 'no-cache')
    response.json(document())
  })
  router.get('/docs', (_request, response) => {
    response.type('html').send(page)
  })
  router.get('/docs/', (_request, response) => {
    response.redirect(308, '../docs')
  })
  router.get('/docs/start.js', (_request, response) => {
    response.type('js').send(startScript)
  })
  router.use('/docs', express.static(swaggerFolder, { index: false, redirect: false, maxAge: '1d' }))
  return router
}
