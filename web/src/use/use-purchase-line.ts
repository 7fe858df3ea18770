/** The purchase that the room is shown now: it goes by itself after a moment. */
import { onScopeDispose, shallowRef, watch } from 'vue'
import type { Purchase } from '../lib/base/wire'

/** How long a purchase stays, ms: less than the shortest time between two (docs/protocol.md). */
export const PURCHASE_SHOWN_MS = 2_800

export function usePurchaseLine(purchase: () => Purchase | undefined) {
  const shown = shallowRef<Purchase>()
  let timer: ReturnType<typeof setTimeout> | undefined
  // The last one may be old when this part has loaded: only what comes from now on is news.
  watch(purchase, (now) => {
    clearTimeout(timer)
    shown.value = now
    timer = setTimeout(() => (shown.value = undefined), PURCHASE_SHOWN_MS)
  })
  onScopeDispose(() => clearTimeout(timer))
  return shown
}
