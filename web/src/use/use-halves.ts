/** An order that no single store could take, as one order at each of two stores; each with its own key and answer. */
import { computed, shallowRef } from 'vue'
import { BASKET } from '../lib/shop/basket'
import type { AttemptPhase, Half } from '../lib/shop/order-desk'
import type { OffersModel } from './use-offers'
import type { OrdersModel } from './use-orders'

export interface HalfView extends Half {
  /** Null until it is sent. */
  phase: AttemptPhase | null
}

export function useHalves(roomId: string, offers: OffersModel, orders: OrdersModel) {
  const sent = shallowRef<Half[]>([])
  const asked = computed(() => orders.attempts.get(BASKET))
  /** The offer is of the goods that are picked as they were when nobody had them all. */
  const fits = computed(
    () => JSON.stringify(asked.value?.order.lines) === JSON.stringify(offers.basket.value.lines),
  )
  const keyOf = ({ product_ids }: Half, place: number) =>
    product_ids.length > 1 ? `${BASKET}${place}` : (product_ids[0] ?? '')
  const halves = computed<HalfView[]>(() => {
    const all = sent.value.length > 0 ? sent.value : fits.value ? (asked.value?.halves ?? []) : []
    return all.map((half, place) => ({
      ...half,
      phase: sent.value.length > 0 ? (orders.attempts.get(keyOf(half, place))?.phase ?? null) : null,
    }))
  })

  /** Place both; goods of their own go by their own offer, as by their own button. */
  function order(): void {
    const lines = asked.value?.order.lines ?? []
    const wanted = asked.value?.halves ?? []
    sent.value = wanted
    for (const [place, half] of wanted.entries()) {
      const own = lines.filter((line) => half.product_ids.includes(line.product_id))
      const alone = offers.items.value.find(({ card }) => card.product.id === half.product_ids[0])
      if (own.length === 1 && alone) offers.submit(alone)
      else
        orders.desk.submit({
          room_id: roomId,
          product_id: keyOf(half, place),
          quantity: own.reduce((sum, line) => sum + line.quantity, 0),
          price_fen: own.reduce((sum, line) => sum + line.quantity * line.price_fen, 0),
          lines: own,
        })
    }
    orders.attempts.delete(BASKET)
    offers.picked.clear()
  }
  return { halves, order }
}
