/** The service worker: `shell-cache.ts` on the browser's caches. A new build is a new worker, which takes over at once. */
import { pageFor, shownOf } from './push'
import { type Build, ShellCache, pageOf } from './shell-cache'

/** Filled in by the build (vite.config.ts). */
declare const __BUILD__: Build

interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface FetchEvent extends WorkerEvent {
  request: Request
  preloadResponse?: Promise<Response | undefined>
  respondWith(response: Promise<Response>): void
}
interface PushEvent extends WorkerEvent {
  data: { text(): string } | null
}
interface ClickEvent extends WorkerEvent {
  notification: { data: unknown; close(): void }
}
interface Worker {
  clients: {
    claim(): Promise<void>
    matchAll(which: {
      includeUncontrolled: boolean
      type: 'window'
    }): Promise<{ url: string; focus(): Promise<unknown> }[]>
    openWindow(url: string): Promise<unknown>
  }
  registration: {
    navigationPreload?: { enable(): Promise<void> }
    showNotification(title: string, options: NotificationOptions): Promise<void>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'push', listener: (event: PushEvent) => void): void
  addEventListener(type: 'notificationclick', listener: (event: ClickEvent) => void): void
}

const worker = self as unknown as Worker
const shell = new ShellCache(__BUILD__, {
  origin: location.origin,
  caches,
  fetch: (input, init) => fetch(input, init),
  openPages: async () =>
    (await worker.clients.matchAll({ includeUncontrolled: true, type: 'window' })).map(({ url }) => url),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})

worker.addEventListener('install', (event) => {
  event.waitUntil(shell.install().then(() => worker.skipWaiting()))
})
worker.addEventListener('activate', (event) => {
  const preload = async () => worker.registration.navigationPreload?.enable()
  event.waitUntil(Promise.all([shell.activate(), preload(), worker.clients.claim()]))
})
worker.addEventListener('fetch', (event) => {
  const answer = shell.answer(event.request, event.preloadResponse)
  if (answer) event.respondWith(answer)
  const page = answer && event.request.mode === 'navigate' && pageOf(new URL(event.request.url).pathname)
  // Once the page has its own parts; a page that cannot be kept now is kept another time.
  if (page) event.waitUntil(answer.then(() => shell.keep(page)).catch(() => undefined))
})
worker.addEventListener('push', (event) => {
  const shown = shownOf(event.data?.text() ?? '')
  if (!shown) return
  const { title, body, tag, url } = shown
  const icon = '/icons/icon-192.png'
  event.waitUntil(worker.registration.showNotification(title, { body, tag, icon, data: url }))
})
worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const url = String(event.notification.data ?? '/')
  const open = async () => {
    const windows = await worker.clients.matchAll({ includeUncontrolled: true, type: 'window' })
    await (pageFor(windows, url)?.focus() ?? worker.clients.openWindow(url))
  }
  event.waitUntil(open())
})
