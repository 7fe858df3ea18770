/** The orders that this device knows: current ones, or those of the last time that there was a network. */
import { computed, ref, shallowRef, watch } from 'vue'
import type { AtMs, Order } from '../lib/base/wire'
import { OrderKeeper } from '../lib/shop/kept-orders'
import { storage } from './storage'
import type { GuestModel } from './use-guest'

export function useKeptOrders(guest: GuestModel) {
  const keeper = new OrderKeeper(storage)
  const orders = shallowRef<Order[] | null>(null)
  /** When the server said so. */
  const at_ms = ref<AtMs | null>(null)
  /** The server could not be asked. */
  const stale = ref(false)

  const ownId = () => guest.guest.value?.id ?? null
  function load(guest_id: string | null): void {
    // Somebody whom the server does not take for a guest any more still sees the orders until the page is closed.
    if (guest_id === null) return
    const kept = keeper.of(guest_id)
    orders.value = kept?.orders ?? null
    at_ms.value = kept?.at_ms ?? null
  }
  watch(ownId, load, { immediate: true, flush: 'sync' })

  return {
    orders,
    stale,
    /** When what is shown was current; null while it is, or nothing is known. */
    asOf: computed(() => (stale.value ? at_ms.value : null)),
    ownId,
    /** The server has said that these are the orders of the guest who asked. */
    current(listed: Order[], guest_id: string | null): void {
      if (guest_id === null || guest_id !== ownId()) return
      orders.value = listed
      at_ms.value = Date.now()
      keeper.keep(guest_id, { orders: listed, at_ms: at_ms.value })
    },
  }
}
