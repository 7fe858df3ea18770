/** What became of one's orders after the sale, read when it is looked at and when an order changes. */
import { type Ref, ref, shallowRef, watch } from 'vue'
import type { Api } from '../lib/base/api'
import type { AfterSale } from '../lib/shop/after-sale'
import type { Order } from '../lib/base/wire'
import { isEnded } from '../lib/shop/offer'

export function useAfterSales(api: Api, orders: Readonly<Ref<Order[]>>, shown: Readonly<Ref<boolean>>) {
  const sales = shallowRef<ReadonlyMap<string, AfterSale>>(new Map())
  const failed = ref(false)
  let asked = 0

  async function refresh(): Promise<void> {
    const mine = ++asked
    try {
      const found = (await api.get<{ orders: AfterSale[] }>('/api/me/after-sales')).orders
      if (mine !== asked) return
      sales.value = new Map(found.map((sale) => [sale.order_id, sale]))
      failed.value = false
    } catch {
      // What was read stays; the next change of an order reads it again.
      if (mine === asked) failed.value = true
    }
  }
  watch(
    [shown, orders],
    () => {
      const some = orders.value.some((order) => isEnded(order.state) || order.refunded_fen > 0)
      if (shown.value && some) void refresh()
    },
    { immediate: true },
  )
  return { api, sales, failed, refresh }
}
export type AfterSalesModel = ReturnType<typeof useAfterSales>
