/** The Cache API in memory, over an injected fetch. */

type Stored = Map<string, Response>
const pathOf = (request: Request | string) =>
  new URL(typeof request === 'string' ? request : request.url, 'https://shop.example').pathname

export class FakeCaches {
  /** The browser has taken the storage away. */
  broken = false
  readonly #caches = new Map<string, Stored>()

  constructor(private readonly fetch: (url: string) => Promise<Response>) {}

  keys = async () => [...this.#caches.keys()]
  delete = async (name: string) => this.#caches.delete(name)

  async match(request: Request | string, { cacheName }: { cacheName?: string } = {}) {
    if (this.broken) throw new DOMException('no storage', 'UnknownError')
    const stores = cacheName ? [this.#caches.get(cacheName)] : [...this.#caches.values()]
    return stores
      .map((stored) => stored?.get(pathOf(request)))
      .find((response) => response !== undefined)
      ?.clone()
  }

  async open(name: string) {
    if (this.broken) throw new DOMException('no storage', 'UnknownError')
    const stored: Stored = this.#caches.get(name) ?? new Map()
    this.#caches.set(name, stored)
    return {
      match: async (request: Request | string) => stored.get(pathOf(request))?.clone(),
      put: async (request: Request | string, response: Response) =>
        void stored.set(pathOf(request), response),
      delete: async (request: Request | string) => stored.delete(pathOf(request)),
      keys: async () => [...stored.keys()],
      addAll: async (urls: string[]) => {
        const responses = await Promise.all(urls.map((url) => this.fetch(url)))
        if (!responses.every((response) => response.ok)) throw new TypeError('a part is missing')
        responses.forEach((response, at) => stored.set(pathOf(urls[at] ?? ''), response))
      },
    }
  }
}
