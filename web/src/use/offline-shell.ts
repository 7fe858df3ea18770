/** Registers the service worker that keeps the pages for when there is no network. */
import { storage } from './storage'

/** To be called when nothing is more urgent: the worker fetches what the page has loaded once more, mostly from the cache. */
export function keepShell(): void {
  // Where the browser keeps nothing, it would refuse; `vite dev` has no build to keep.
  if (!import.meta.env.PROD || !storage.lasts || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' }).catch(() => undefined)
}

/** The same, once the page and its pictures are here. */
export function keepShellOnceLoaded(): void {
  if (document.readyState === 'complete') keepShell()
  else window.addEventListener('load', keepShell, { once: true })
}
