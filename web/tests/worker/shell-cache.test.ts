import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Build, NAVIGATION_WAIT_MS, PICTURES_MAX, ShellCache } from '../../src/worker/shell-cache'
import { FakeCaches } from '../support/fake-caches'

const ORIGIN = 'https://shop.example'
const OLD: Build = build('old')
const NEW: Build = build('new')

function build(id: string): Build {
  const names = ['index', 'room', 'me', 'store']
  return {
    id,
    pages: Object.fromEntries(names.map((name) => [`${name}.html`, [`/assets/${name}-${id}.js`]])),
  }
}
const request = (path: string, more: object = {}) =>
  ({ url: ORIGIN + path, method: 'GET', mode: 'cors', ...more }) as Request
const visit = (path: string) => request(path, { mode: 'navigate' })

/** A server that has one build, and a network that may be away. */
class Server {
  online = true
  status = 200
  asked: string[] = []

  constructor(public deployed: Build) {}

  fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const path = new URL(typeof input === 'object' && 'url' in input ? input.url : input, ORIGIN).pathname
    this.asked.push(path)
    if (!this.online) throw new TypeError('Failed to fetch')
    const page = this.deployed.pages[path.slice(1)]
    if (page) return new Response(page.map((file) => `<script src="${file}">`).join(''))
    if (path.startsWith('/assets/') && !path.includes(`-${this.deployed.id}.`))
      return new Response('', { status: 404 })
    return new Response(`${this.deployed.id} ${path}`, { status: this.status })
  }
}

let server: Server
let caches: FakeCaches
let open: string[]

beforeEach(() => {
  server = new Server(OLD)
  caches = new FakeCaches((url) => server.fetch(url))
  open = [`${ORIGIN}/r/demo`]
})

function worker(of: Build, sleep = () => new Promise<void>(() => undefined)): ShellCache {
  return new ShellCache(of, {
    origin: ORIGIN,
    caches: caches as unknown as CacheStorage,
    fetch: server.fetch as typeof fetch,
    openPages: async () => open,
    sleep,
  })
}
async function installed(of: Build): Promise<ShellCache> {
  const shell = worker(of)
  await shell.install()
  await shell.activate()
  return shell
}
const textOf = async (answer: Promise<Response> | null) => (await answer)?.text()

describe('a page without a network', () => {
  it('comes from the cache with all that it loads, in any room', async () => {
    const shell = await installed(OLD)
    server.online = false
    expect(await textOf(shell.answer(visit('/r/other')))).toContain('room-old.js')
    expect(await textOf(shell.answer(request('/assets/room-old.js')))).toBe('old /assets/room-old.js')
    expect(await textOf(shell.answer(visit('/me')))).toContain('me-old.js')
  })

  it('is an error where that page was never kept', async () => {
    const shell = await installed(OLD)
    server.online = false
    await expect(shell.answer(visit('/store'))).rejects.toThrow(TypeError)
    await expect(shell.answer(visit('/host'))).rejects.toThrow(TypeError)
  })

  it('comes from the cache after a while where the network is there and brings nothing', async () => {
    await installed(OLD)
    const sleep = vi.fn(() => Promise.resolve())
    server.fetch = () => new Promise(() => undefined)
    expect(await textOf(worker(OLD, sleep).answer(visit('/r/demo')))).toContain('room-old.js')
    expect(sleep).toHaveBeenCalledWith(NAVIGATION_WAIT_MS)
  })

  it('comes from the cache while a proxy says that the server is away, and not when there is no such room', async () => {
    const shell = await installed(OLD)
    server.status = 502
    expect(await textOf(shell.answer(visit('/r/demo')))).toContain('room-old.js')
    server.status = 404
    expect((await shell.answer(visit('/r/nowhere')))?.status).toBe(404)
  })

  it('comes from the server where the browser has taken the caches away', async () => {
    const shell = await installed(OLD)
    caches.broken = true
    expect(await textOf(shell.answer(request('/assets/room-old.js')))).toBe('old /assets/room-old.js')
    expect(await textOf(shell.answer(request('/goods/eggs.svg')))).toBe('old /goods/eggs.svg')
  })
})

describe('a deploy', () => {
  it('shows the new page at once, and its own worker keeps it', async () => {
    const old = await installed(OLD)
    server.deployed = NEW
    expect(await textOf(old.answer(visit('/r/demo')))).toBe('new /r/demo')
    const shell = await installed(NEW)
    server.online = false
    expect(await textOf(shell.answer(visit('/r/demo')))).toContain('room-new.js')
    expect(await textOf(shell.answer(request('/assets/room-new.js')))).toBe('new /assets/room-new.js')
  })

  it('leaves a page of the last build the parts that it loads late', async () => {
    await installed(OLD)
    server.deployed = NEW
    const shell = await installed(NEW)
    expect(await textOf(shell.answer(request('/assets/room-old.js')))).toBe('old /assets/room-old.js')
  })

  it('never lets a worker keep pages of another build', async () => {
    server.deployed = NEW
    const shell = await installed(OLD)
    server.online = false
    await expect(shell.answer(visit('/r/demo'))).rejects.toThrow(TypeError)
  })

  it('drops the builds before the last one', async () => {
    for (const id of ['a', 'b', 'c']) {
      server.deployed = build(id)
      await installed(build(id))
    }
    expect(await caches.keys()).toEqual(['linli.shell.b', 'linli.shell.c'])
  })

  it('keeps the pages that the last worker kept, also those that are not open', async () => {
    open = [`${ORIGIN}/store`]
    await installed(OLD)
    open = []
    server.deployed = NEW
    const shell = await installed(NEW)
    server.online = false
    expect(await textOf(shell.answer(visit('/store')))).toContain('store-new.js')
    await expect(shell.answer(visit('/r/demo'))).rejects.toThrow(TypeError)
  })
})

describe('requests', () => {
  it.each(['/api/me/orders', '/api/orders', '/live/demo/whep', '/live/demo/thumbnail.jpg', '/ws', '/sw.js'])(
    'to %s are never looked at',
    async (path) => {
      expect((await installed(OLD)).answer(request(path))).toBeNull()
    },
  )

  it('to other servers, and those that change something, are never looked at', async () => {
    const shell = await installed(OLD)
    expect(shell.answer({ ...request('/goods/a.svg'), url: 'https://other.example/goods/a.svg' })).toBeNull()
    expect(shell.answer(request('/assets/a.js', { method: 'POST' }))).toBeNull()
  })

  it('for pictures are kept for later, the newest only', async () => {
    const shell = await installed(OLD)
    for (let at = 0; at <= PICTURES_MAX; at += 1) await shell.answer(request(`/goods/${at}.svg`))
    server.online = false
    expect(await textOf(shell.answer(request(`/goods/${PICTURES_MAX}.svg`)))).toContain(`${PICTURES_MAX}.svg`)
    await expect(shell.answer(request('/goods/0.svg'))).rejects.toThrow(TypeError)
  })
})
