/** Builds the five pages; in development, proxies what the Linli server answers. */
import { resolve } from 'node:path'
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

export default defineConfig({
  plugins: [
    vue(),
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
