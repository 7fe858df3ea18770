/** The orders of this household: the ones being placed (lib/shop/order-desk) and the ones the shop has. */
import { computed, onScopeDispose, reactive, watch } from 'vue'
import { randomKey } from '../lib/base/keys'
import { type Attempt, OrderDesk } from '../lib/shop/order-desk'
import type { Order } from '../lib/base/wire'
import { isEnded } from '../lib/shop/offer'
import { realTimers } from './timers'
import { storage } from './storage'
import type { GuestModel } from './use-guest'
import { useKeptOrders } from './use-kept-orders'

export function useOrders(guest: GuestModel, onReady: () => void) {
  const kept = useKeptOrders(guest)
  const { stale } = kept
  const orders = computed(() => kept.orders.value ?? [])
  let changes = 0
  /** The latest attempt per product. */
  const attempts = reactive(new Map<string, Attempt>())

  const desk = new OrderDesk({
    place: (order, key) => guest.api.placeOrder(order, key),
    renewIdentity: guest.renew,
    newKey: randomKey,
    guestId: () => guest.guest.value?.id ?? null,
    timers: realTimers,
    at: Date.now,
    random: Math.random,
    storage,
    onChange: noteAttempt,
    onPlaced: take,
  })

  function noteAttempt(attempt: Attempt): void {
    attempts.set(attempt.order.product_id, attempt)
  }

  /** Take the current state of an order. */
  function take(order: Order): void {
    changes += 1
    const known = orders.value.find((other) => other.id === order.id)
    // The answer to the tap may come after the message that says how to pay.
    if (order.payment && known?.payment?.action) order = { ...order, payment: known.payment }
    kept.current(
      known
        ? orders.value.map((other) => (other.id === order.id ? order : other))
        : [order, ...orders.value].sort((a, b) => b.created_at_ms - a.created_at_ms),
      kept.ownId(),
    )
    const ready = order.state === 'ready' && known && known.state !== 'ready'
    if (ready || (order.payment?.action && !known?.payment?.action)) onReady()
  }

  async function refresh(): Promise<void> {
    if (!guest.token()) return
    try {
      const before = changes
      const asker = kept.ownId()
      const listed = await guest.api.myOrders()
      // An order pushed while the request was in flight may be newer than the list.
      if (changes !== before) return await refresh()
      kept.current(listed, asker)
      stale.value = false
      listed.forEach((order) => desk.seen(order))
    } catch {
      stale.value = true
    }
  }

  /** Leave a group that is not complete; false when the server did not let us. */
  async function cancel(order: Order): Promise<boolean> {
    try {
      take(await guest.api.cancelOrder(order.id))
      return true
    } catch {
      void refresh()
      return false
    }
  }

  watch(
    () => guest.guest.value?.id,
    (id) => {
      attempts.clear()
      desk.changeGuest()
      if (!id) return // lost: the orders stay to be seen
      changes += 1
      void refresh()
    },
    { flush: 'sync' },
  )

  const wake = () => desk.wake()
  window.addEventListener('online', wake)
  onScopeDispose(() => window.removeEventListener('online', wake))

  return {
    orders,
    stale,
    asOf: kept.asOf,
    attempts,
    open: computed(() => orders.value.filter((order) => !isEnded(order.state))),
    desk,
    refresh,
    cancel,
    beginPayment: (order: Order, code: string) => guest.api.beginPayment(order.id, code),
    pushed(order: Order) {
      take(order)
      desk.seen(order)
    },
  }
}
export type OrdersModel = ReturnType<typeof useOrders>
