/** Sends what a viewer looks at, puts into the bag and watches to the lake, unless the browser asks not to. */
import { onMounted, onScopeDispose, watch } from 'vue'
import { randomKey } from '../lib/base/keys'
import { type Delivery, type FactBatch, FactQueue, Watching } from '../lib/room/page-facts'
import { realTimers } from './timers'

/** A card that was on the screen for less was not seen, ms. */
const SEEN_AFTER_MS = 1000
/** How often a page that plays says so, ms. */
const WATCHED_EVERY_MS = 60_000
/** Dispatched by what shows all about a product, from within its card. */
export const DETAILS_OPENED = 'linli:details-opened'
export const DETAILS_CLOSED = 'linli:details-closed'

interface Sources {
  token: () => string | null
  /** The card on the table, '' for none. */
  shown: () => string
  /** Products in the bag, with units. */
  bag: () => Map<string, number>
  playing: () => boolean
}

export function usePageFacts(room_id: string, { token, shown, bag, playing }: Sources): void {
  const { doNotTrack } = navigator
  const { globalPrivacyControl } = navigator as { globalPrivacyControl?: boolean }
  if (globalPrivacyControl || doNotTrack === '1') return

  async function send(batch: FactBatch, leaving: boolean): Promise<Delivery> {
    const known = token()
    try {
      const answer = await fetch('/api/facts', {
        method: 'POST',
        // As a beacon, but with the token.
        keepalive: leaving,
        headers: {
          'Content-Type': 'application/json',
          ...(known ? { Authorization: `Bearer ${known}` } : {}),
        },
        body: JSON.stringify(batch),
      })
      if (answer.ok) return 'taken'
      // Another token comes soon.
      return [401, 429].includes(answer.status) || answer.status >= 500 ? 'later' : 'refused'
    } catch {
      return 'later'
    }
  }
  const queue = new FactQueue({ sender: randomKey(), room_id }, send, realTimers, Date.now)

  const seen = new Set<string>()
  const isSeen = () => document.visibilityState === 'visible'
  let cancelSeen = () => {}
  watch(
    shown,
    (product_id) => {
      cancelSeen()
      if (!product_id || seen.has(product_id)) return
      cancelSeen = realTimers.after(SEEN_AFTER_MS, () => {
        if (!isSeen()) return
        seen.add(product_id)
        queue.add({ topic: 'card.seen', payload: { product_id } })
      })
    },
    { immediate: true },
  )

  watch(bag, (now, before) => {
    for (const [product_id, units] of now)
      if (!before.has(product_id)) queue.add({ topic: 'bag.added', payload: { product_id, units } })
  })

  const opened = new Map<string, number>()
  function onDetails({ type, target }: Event): void {
    const product_id = (target as HTMLElement).closest<HTMLElement>('[data-product]')?.dataset.product
    if (!product_id) return
    if (type === DETAILS_OPENED) opened.set(product_id, performance.now())
    else closeDetails(product_id)
  }
  function closeDetails(product_id: string): void {
    const since = opened.get(product_id)
    if (since === undefined) return
    opened.delete(product_id)
    const dwell_ms = Math.round(performance.now() - since)
    queue.add({ topic: 'card.opened', payload: { product_id, dwell_ms } })
  }

  const watching = new Watching(() => performance.now())
  watch(playing, () => watching.set(playing() && isSeen()), { immediate: true })
  function sayWatched(): void {
    const watched_ms = watching.take()
    if (watched_ms > 0) queue.add({ topic: 'live.watched', payload: { watched_ms } })
  }
  const timer = setInterval(sayWatched, WATCHED_EVERY_MS)
  function onVisibility(): void {
    watching.set(playing() && isSeen())
    if (!isSeen()) leave()
  }
  /** A hidden page may never be seen again. */
  function leave(): void {
    for (const product_id of [...opened.keys()]) closeDetails(product_id)
    sayWatched()
    queue.leave()
  }

  onMounted(() => {
    for (const name of [DETAILS_OPENED, DETAILS_CLOSED]) document.addEventListener(name, onDetails)
    document.addEventListener('visibilitychange', onVisibility)
    window.addEventListener('pagehide', leave)
  })
  onScopeDispose(() => {
    for (const name of [DETAILS_OPENED, DETAILS_CLOSED]) document.removeEventListener(name, onDetails)
    document.removeEventListener('visibilitychange', onVisibility)
    window.removeEventListener('pagehide', leave)
    clearInterval(timer)
    cancelSeen()
    queue.close()
  })
}
