/**
 * The pages' own files, kept for when there is no network: rules over an injected cache and network.
 *
 * A cache belongs to one build and holds whole pages or nothing of them, so that a page from it never lacks a part. Online
 * every page comes from the server. Nothing of `/api`, `/live` or `/ws` is ever looked at.
 */

/** What the build consists of: each page's HTML file with all files that it loads. */
export interface Build {
  id: string
  pages: Record<string, string[]>
}

export interface World {
  origin: string
  caches: CacheStorage
  fetch: typeof fetch
  /** The addresses of all open pages. */
  openPages(): Promise<string[]>
  /** A promise that ends after this long. */
  sleep(ms: number): Promise<void>
}

/** A navigation that has no answer after this long gets the kept page, ms. */
export const NAVIGATION_WAIT_MS = 5000
/** Pictures that are kept, the newest. */
export const PICTURES_MAX = 60
const SHELLS = 'linli.shell.'
const PICTURES = 'linli.pictures'
/** Pages by their path; which of them are kept together. The host's page is of no use without a network. */
const PAGES: [RegExp, string][] = [
  [/^\/$/, 'index.html'],
  [/^\/r\/[^/]+$/, 'room.html'],
  [/^\/me$/, 'me.html'],
  [/^\/store$/, 'store.html'],
  [/^\/leader$/, 'leader.html'],
]
const TOGETHER = [['index.html', 'room.html', 'me.html'], ['store.html'], ['leader.html']]

export class ShellCache {
  readonly #name: string

  constructor(
    private readonly build: Build,
    private readonly world: World,
  ) {
    this.#name = SHELLS + build.id
  }

  /** Keep the pages of this build that are open, or of which the last build was kept. */
  async install(): Promise<void> {
    const open = (await this.world.openPages()).map((address) => pageOf(new URL(address).pathname))
    const before: string[] = []
    for (const name of Object.keys(this.build.pages))
      if (await this.world.caches.match(`/${name}`)) before.push(name)
    for (const name of new Set([...open, ...before])) if (name) await this.keep(name)
  }

  /** Drop the builds before the last one: a page of the last one may be open, and load a part of it late. */
  async activate(): Promise<void> {
    const shells = (await this.world.caches.keys()).filter(
      (name) => name.startsWith(SHELLS) && name !== this.#name,
    )
    for (const name of shells.slice(0, -1)) await this.world.caches.delete(name)
  }

  /** The answer to a request, or null: then it is none of ours. `preloaded` is the browser's own answer to a navigation. */
  answer(request: Request, preloaded?: Promise<Response | undefined>): Promise<Response> | null {
    const { origin, pathname } = new URL(request.url)
    if (request.method !== 'GET' || origin !== this.world.origin) return null
    // Others too: else the browser would have preloaded their answer in vain.
    if (request.mode === 'navigate') return this.#navigate(request, pageOf(pathname), preloaded)
    if (pathname.startsWith('/assets/')) return this.#asset(request)
    if (pathname.startsWith('/goods/') || pathname.startsWith('/icons/')) return this.#picture(request)
    return null
  }

  /** Keep a page and those that belong to it, each whole or not at all. */
  async keep(name: string): Promise<void> {
    const cache = await this.world.caches.open(this.#name)
    for (const page of TOGETHER.find((names) => names.includes(name)) ?? []) {
      if (await cache.match(`/${page}`)) continue
      const html = await this.world.fetch(`/${page}`)
      if (!html.ok || !this.#isOfThisBuild(page, await html.clone().text())) continue
      await cache.addAll(this.build.pages[page] ?? [])
      await cache.put(`/${page}`, html)
    }
  }

  /** A server that was updated meanwhile sends pages with other parts: the worker of that build keeps them. */
  #isOfThisBuild(page: string, html: string): boolean {
    const files = this.build.pages[page] ?? []
    return [...html.matchAll(/"(\/assets\/[^"]+)"/g)].every(([, file]) => files.includes(file ?? ''))
  }

  async #navigate(
    request: Request,
    name: string | null,
    preloaded?: Promise<Response | undefined>,
  ): Promise<Response> {
    const fetched = (async () => (await preloaded) ?? (await this.world.fetch(request)))()
    if (!name) return fetched
    const late = this.world.sleep(NAVIGATION_WAIT_MS).then(() => null)
    const response = await Promise.race([fetched, late]).catch(() => null)
    if (response && response.status < 500) return response
    return (await this.#kept(`/${name}`, this.#name)) ?? response ?? fetched
  }

  async #asset(request: Request): Promise<Response> {
    return (await this.#kept(request)) ?? this.world.fetch(request)
  }

  /** What is kept; nothing where the browser has taken the caches away. */
  #kept(request: Request | string, cacheName?: string): Promise<Response | undefined> {
    return this.world.caches
      .match(request, { ignoreVary: true, ...(cacheName ? { cacheName } : {}) })
      .catch(() => undefined)
  }

  async #picture(request: Request): Promise<Response> {
    try {
      const response = await this.world.fetch(request)
      if (response.ok) await this.#keepPicture(request, response.clone()).catch(() => undefined)
      return response
    } catch (error) {
      const kept = await this.#kept(request)
      if (kept) return kept
      throw error
    }
  }

  async #keepPicture(request: Request, response: Response): Promise<void> {
    const pictures = await this.world.caches.open(PICTURES)
    // Deleted first, so that the order of the keys is that of the last use.
    await pictures.delete(request)
    await pictures.put(request, response)
    const all = await pictures.keys()
    for (const old of all.slice(0, -PICTURES_MAX)) await pictures.delete(old)
  }
}

/** The HTML file behind a path that people open, if it is one that is kept. */
export function pageOf(pathname: string): string | null {
  return PAGES.find(([path]) => path.test(pathname))?.[1] ?? null
}
