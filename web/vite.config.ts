/** Builds the pages; in development, proxies what the Linli server answers. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import type { Rollup } from 'vite'
import { defineConfig } from 'vitest/config'

const SERVER = process.env.LINLI_SERVER ?? 'http://localhost:8080'
const PAGES = ['index', 'room', 'replay', 'me', 'host', 'store', 'leader', 'hq', 'invite']
/** Pages that are of no use without a network. */
const ONLINE_ONLY = ['host', 'hq', 'invite']
/** Parts that a page loads late, and that it needs without a network, too. */
const KEPT_LATE = /\/RoomSheets\.vue$/

/** The addresses the server answers with a page, for `vite dev`. */
const CLEAN_ADDRESSES: [RegExp, string][] = [
  [/^\/r\/[^/]+\/?$/, '/room.html'],
  [/^\/r\/[^/]+\/replay\/[^/]+\/?$/, '/replay.html'],
  [/^\/me\/?$/, '/me.html'],
  [/^\/host\/?$/, '/host.html'],
  [/^\/store\/?$/, '/store.html'],
  [/^\/leader\/?$/, '/leader.html'],
  [/^\/hq\/?$/, '/hq.html'],
  [/^\/invite\/?$/, '/invite.html'],
]

const LOGO = '/goods/logo.svg'

/** Below this a compressed form saves no packet, bytes. */
const COMPRESS_FROM = 1000

/** Writes each text of the build in its two compressed forms, which the server sends as they are. */
function compressAll(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    if (!/\.(js|css|svg|html|json|webmanifest)$/.test(name) || name.startsWith('.vite')) continue
    const text = readFileSync(join(folder, name))
    if (text.length < COMPRESS_FROM) continue
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(text))
    writeFileSync(join(folder, `${name}.gz`), gzipSync(text, { level: 9 }))
  }
}

/** Puts the stylesheets after what the server writes into the body, which is shown before they have come. */
function stylesAfterShell(page: string): string {
  const links = page.match(/ *<link rel="stylesheet"[^>]*>\n/g) ?? []
  if (!page.includes('<!--shell-->')) return page
  return links
    .reduce((rest, link) => rest.replace(link, ''), page)
    .replace('</body>', `${links.join('')}</body>`)
}

/** A chunk's file with all that it loads, styles too. */
function filesOf(
  chunk: Rollup.OutputChunk,
  bundle: Rollup.OutputBundle,
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(`/${chunk.fileName}`)) return seen
  seen.add(`/${chunk.fileName}`)
  for (const file of chunk.viteMetadata?.importedCss ?? []) seen.add(`/${file}`)
  for (const file of [...chunk.imports, ...chunk.dynamicImports]) {
    const next = bundle[file]
    if (next?.type !== 'chunk') continue
    if (chunk.imports.includes(file) || KEPT_LATE.test(next.facadeModuleId ?? '')) filesOf(next, bundle, seen)
  }
  return seen
}

/** Tells the service worker what each page consists of; whatever changes there makes another worker of it. */
function describeBuild(bundle: Rollup.OutputBundle): void {
  const chunks = Object.values(bundle).filter((part) => part.type === 'chunk')
  const worker = chunks.find((chunk) => chunk.name === 'sw')
  if (!worker) throw new Error('the service worker is not in the bundle')
  const hash = createHash('sha256')
  const pages: Record<string, string[]> = {}
  for (const name of PAGES.filter((page) => !ONLINE_ONLY.includes(page))) {
    const html = resolve(import.meta.dirname, `${name}.html`)
    const entry = chunks.find((chunk) => chunk.facadeModuleId === html)
    if (!entry) throw new Error(`${name}.html is not in the bundle`)
    pages[`${name}.html`] = [...filesOf(entry, bundle), LOGO].sort()
    hash.update(readFileSync(html)).update(JSON.stringify(pages[`${name}.html`]))
  }
  worker.code = worker.code.replace(
    '__BUILD__',
    JSON.stringify({ id: hash.digest('hex').slice(0, 12), pages }),
  )
}

export default defineConfig({
  plugins: [
    vue(),
    {
      name: 'styles-after-shell',
      transformIndexHtml: { order: 'post', handler: stylesAfterShell },
    },
    {
      name: 'describe-build',
      apply: 'build',
      generateBundle: { order: 'post', handler: (_options, bundle) => describeBuild(bundle) },
    },
    {
      name: 'compress',
      apply: 'build',
      closeBundle: () => compressAll(resolve(import.meta.dirname, 'dist')),
    },
    {
      name: 'clean-addresses',
      configureServer(server) {
        server.middlewares.use((request, _response, next) => {
          const path = (request.url ?? '').split('?')[0] ?? ''
          const page = CLEAN_ADDRESSES.find(([pattern]) => pattern.test(path))
          if (page) request.url = page[1]
          next()
        })
      },
    },
  ],
  define: {
    __VUE_OPTIONS_API__: 'true', // Vant's components are written with it.
    __VUE_PROD_DEVTOOLS__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
  },
  build: {
    target: 'es2022',
    manifest: true,
    chunkSizeWarningLimit: 600, // kB: only the charts of head office are above 500
    modulePreload: { polyfill: false }, // browsers without it load scripts a little later
    rollupOptions: {
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, resolve(import.meta.dirname, `${page}.html`)])),
        sw: resolve(import.meta.dirname, 'src/worker/sw.ts'),
      },
      output: {
        // The worker's address stays, and is that of what it controls.
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    proxy: {
      '/api': SERVER,
      '/live': SERVER,
      '/ws': { target: SERVER, ws: true },
    },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
