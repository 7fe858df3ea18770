/** The orders of this household: the ones being placed (lib/shop/order-desk) and the ones the shop has. */
import { computed, onScopeDispose, reactive, ref, shallowRef } from 'vue'
import { randomKey } from '../lib/base/keys'
import { type Attempt, OrderDesk } from '../lib/shop/order-desk'
import type { Order } from '../lib/base/wire'
import { realTimers } from './timers'
import { storage } from './storage'
import type { GuestModel } from './use-guest'

/** After a purchase the button is at rest this long, ms. */
const BUY_AGAIN_MS = 6_000
const OPEN_STATES = new Set(['waiting_group', 'new', 'picking', 'packed', 'ready'])

export function useOrders(guest: GuestModel, onReady: () => void) {
  const orders = shallowRef<Order[]>([])
  const stale = ref(false)
  let changes = 0
  /** The latest attempt per product. */
  const attempts = reactive(new Map<string, Attempt>())

  const desk = new OrderDesk({
    place: (order, key) => guest.api.placeOrder(order, key),
    renewIdentity: guest.renew,
    newKey: randomKey,
    timers: realTimers,
    at: Date.now,
    random: Math.random,
    storage,
    onChange: noteAttempt,
    onPlaced: take,
  })

  function noteAttempt(attempt: Attempt): void {
    attempts.set(attempt.order.product_id, attempt)
    if (attempt.phase !== 'placed' || attempt.order.group_id) return
    // Bought on one's own: after a moment, in which a second tap is an accident, one may buy another.
    realTimers.after(BUY_AGAIN_MS, () => {
      if (attempts.get(attempt.order.product_id)?.key === attempt.key)
        attempts.delete(attempt.order.product_id)
    })
  }

  /** Take the current state of an order. */
  function take(order: Order): void {
    changes += 1
    const known = orders.value.find((other) => other.id === order.id)
    orders.value = known
      ? orders.value.map((other) => (other.id === order.id ? order : other))
      : [order, ...orders.value].sort((a, b) => b.created_at_ms - a.created_at_ms)
    if (order.state === 'ready' && known && known.state !== 'ready') onReady()
  }

  async function refresh(): Promise<void> {
    if (!guest.token()) return
    try {
      const before = changes
      const listed = await guest.api.myOrders()
      // An order pushed while the request was in flight may be newer than the list.
      if (changes !== before) return await refresh()
      orders.value = listed
      stale.value = false
      orders.value.forEach((order) => desk.seen(order))
    } catch {
      stale.value = true
    }
  }

  const wake = () => desk.wake()
  window.addEventListener('online', wake)
  onScopeDispose(() => window.removeEventListener('online', wake))

  return {
    orders,
    stale,
    attempts,
    open: computed(() => orders.value.filter((order) => OPEN_STATES.has(order.state))),
    desk,
    refresh,
    pushed(order: Order) {
      take(order)
      desk.seen(order)
    },
  }
}
export type OrdersModel = ReturnType<typeof useOrders>
