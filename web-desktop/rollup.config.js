// Builds the web desktop into dist/web-desktop: hashed chunks, and an index.html that names them by relative paths, so
// that it works under any base path and behind any proxy prefix.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import esbuild from 'rollup-plugin-esbuild'

const here = dirname(fileURLToPath(import.meta.url))

/** Gives `*.svg` as its text without licence comment and layout, and `*.svg?url` as the address of a copied file. */
function svg() {
  const tidy = (text) =>
    text
      .replace(/<!--[\s\S]*?-->/g, '')
      .replace(/<title>.*?<\/title>/, '')
      .replace(/\s+/g, ' ')
      .replace(/> </g, '><')
      .trim()
  return {
    name: 'svg',
    async resolveId(source, importer) {
      if (!source.endsWith('.svg?url')) return null
      const found = await this.resolve(source.slice(0, -4), importer, { skipSelf: true })
      return found && `${found.id}?url`
    },
    load(id) {
      if (id.endsWith('.svg?url')) {
        const source = tidy(readFileSync(id.slice(0, -4), 'utf8'))
        const file = this.emitFile({ type: 'asset', name: id.slice(0, -4).split('/').pop(), source })
        return `export default import.meta.ROLLUP_FILE_URL_${file}`
      }
      if (!id.endsWith('.svg')) return null
      const text = tidy(readFileSync(id, 'utf8')).replace(/ class="[^"]*"/, '')
      return `export default ${JSON.stringify(text)}`
    },
  }
}

/** Lets schemas that nobody uses go: a page that takes one pure function of shared/ does not carry zod. */
function pureSchemas() {
  return {
    name: 'pure-schemas',
    transform(code, id) {
      if (!/\/shared\/[\w-]+\.ts$/.test(id)) return null
      let text = code
      const values = this.parse(code).body.flatMap((one) => (one.declaration ?? one).declarations ?? [])
      for (const { init } of values.reverse()) {
        if (init?.type !== 'CallExpression') continue
        const call = code.slice(init.start, init.end)
        text = `${text.slice(0, init.start)}/*@__PURE__*/ (() => ${call})()${text.slice(init.end)}`
      }
      return { code: text, map: null }
    },
  }
}

/** Takes the indentation out of `html` and `css` templates: a fifth of what the chunks weigh before compression. */
function tightTemplates() {
  return {
    name: 'tight-templates',
    renderChunk(code) {
      return { code: code.replace(/\n[ \t]+/g, '\n'), map: null }
    },
  }
}

/** Writes index.html from the template beside this file, and the style sheet of the bare page. */
function indexPage() {
  return {
    name: 'index-page',
    buildStart() {
      this.addWatchFile(join(here, 'index.html'))
      this.addWatchFile(join(here, 'page.css'))
    },
    generateBundle(_options, bundle) {
      const css = readFileSync(join(here, 'page.css'), 'utf8')
      const cssName = `assets/page-${createHash('sha256').update(css).digest('hex').slice(0, 8)}.css`
      this.emitFile({ type: 'asset', fileName: cssName, source: css })
      const entry = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.isEntry)
      const head = [
        `<link rel="stylesheet" href="./${cssName}">`,
        `<script type="module" src="./${entry.fileName}"></script>`,
        ...entry.imports.map((name) => `<link rel="modulepreload" href="./${name}">`),
      ]
      const source = readFileSync(join(here, 'index.html'), 'utf8').replace('<!-- entry -->', head.join('\n    '))
      this.emitFile({ type: 'asset', fileName: 'index.html', source })
    },
  }
}

export default {
  input: join(here, 'main.ts'),
  output: {
    dir: join(here, '../dist/web-desktop'),
    format: 'es',
    entryFileNames: 'assets/[name]-[hash].js',
    chunkFileNames: 'assets/[name]-[hash].js',
    assetFileNames: 'assets/[name]-[hash][extname]',
    manualChunks: (id) =>
      /node_modules\/(@lit|lit)/.test(id) ? 'lit' : id.includes('/@simplewebauthn/') ? 'webauthn' : undefined,
  },
  onwarn(warning, warn) {
    // Zod's own: a comment it keeps for another bundler, and a cycle among its files.
    if (!/node_modules\/zod\//.test(warning.id ?? warning.ids?.[0] ?? '')) warn(warning)
  },
  plugins: [
    svg(),
    nodeResolve({ browser: true, extensions: ['.js', '.ts'] }),
    esbuild({ target: 'es2022', tsconfig: join(here, 'tsconfig.json') }),
    pureSchemas(),
    tightTemplates(),
    terser({ format: { comments: false } }),
    indexPage(),
  ],
}
