/** An order that no single store could take, as one order at each of two stores: both of them or none, with one key. */
import { computed } from 'vue'
import type { Half } from '../lib/base/api'
import { BASKET } from '../lib/shop/basket'
import type { AttemptPhase } from '../lib/shop/order-desk'
import type { OffersModel } from './use-offers'
import type { OrdersModel } from './use-orders'

export interface HalfView extends Half {
  /** Null until it is sent. */
  phase: AttemptPhase | null
}

export function useHalves(roomId: string, offers: OffersModel, orders: OrdersModel) {
  const asked = computed(() => orders.attempts.get(BASKET))
  /** The offer is of the goods that are picked as they were when nobody had them all. */
  const fits = computed(
    () => JSON.stringify(asked.value?.order.lines) === JSON.stringify(offers.basket.value.lines),
  )
  const halves = computed<HalfView[]>(() => {
    const latest = asked.value
    // What was refused may have been offered anew, from two other stores.
    if (latest?.halves) return fits.value ? latest.halves.map((half) => ({ ...half, phase: null })) : []
    return (latest?.order.halves ?? []).map((half) => ({ ...half, phase: latest!.phase }))
  })

  function order(): void {
    const { lines, price_fen, fulfilment } = asked.value!.order
    orders.desk.submit({
      room_id: roomId,
      product_id: BASKET,
      quantity: 1,
      price_fen,
      lines,
      fulfilment,
      halves: asked.value!.halves,
    })
  }
  /** They were sent, and none was placed. */
  const again = computed(() => !!asked.value?.halves && !!asked.value.order.halves)
  return { halves, again, order }
}
