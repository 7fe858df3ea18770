/** When and where an estate's next order would be ready, asked for again while the page is seen. */
import { type ComputedRef, onScopeDispose, shallowRef, watch } from 'vue'
import type { Api } from '../lib/base/api'
import type { Promises } from '../lib/shop/promise'
import { onSeenAgain } from './network'

/** The server's answer is up to 5 s old; a card's time changes with the queue, ms. */
const EVERY_MS = 20_000

export function usePromises(roomId: string, api: Api, estateId: ComputedRef<string | null>) {
  const promises = shallowRef<Promises | null>(null)
  let asked = 0

  async function refresh(): Promise<void> {
    const estate = estateId.value
    if (!estate || document.hidden) return
    const mine = ++asked
    const path = `/api/rooms/${encodeURIComponent(roomId)}/promises?estate=${encodeURIComponent(estate)}`
    try {
      const found = await api.get<Promises>(path)
      if (mine === asked) promises.value = found
    } catch {
      // Better no time than an old one.
      if (mine === asked) promises.value = null
    }
  }

  watch(estateId, () => void refresh(), { immediate: true })
  const timer = window.setInterval(() => void refresh(), EVERY_MS)
  const forget = onSeenAgain(() => void refresh())
  onScopeDispose(() => {
    clearInterval(timer)
    forget()
  })
  return { promises, refresh }
}
