/** Builds the five pages; in development, proxies what the Linli server answers. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const SERVER = process.env.LINLI_SERVER ?? 'http://localhost:8080'
const PAGES = ['index', 'room', 'me', 'host', 'store']

/** The addresses the server answers with a page, for `vite dev`. */
const CLEAN_ADDRESSES: [RegExp, string][] = [
  [/^\/r\/[^/]+\/?$/, '/room.html'],
  [/^\/me\/?$/, '/me.html'],
  [/^\/host\/?$/, '/host.html'],
  [/^\/store\/?$/, '/store.html'],
]

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

export default defineConfig({
  plugins: [
    vue(),
    {
      name: 'styles-after-shell',
      transformIndexHtml: { order: 'post', handler: stylesAfterShell },
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
    modulePreload: { polyfill: false }, // browsers without it load scripts a little later
    rollupOptions: {
      input: Object.fromEntries(PAGES.map((page) => [page, resolve(import.meta.dirname, `${page}.html`)])),
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
