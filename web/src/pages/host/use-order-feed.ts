/** The latest orders of the host's store. */
import { computed, onMounted, shallowRef } from 'vue'
import type { StoreOrder } from '../../lib/base/wire'
import { useBoard } from '../../use/use-board'
import type { StaffModel } from '../../use/use-staff'

const FEED_MAX = 30

export function useOrderFeed(staff: StaffModel) {
  const storeId = staff.staff.value?.store_id
  const arrived = shallowRef<StoreOrder[]>([])
  const onNew = (order: StoreOrder) => (arrived.value = [order, ...arrived.value].slice(0, FEED_MAX))
  const board = storeId ? useBoard(storeId, staff.token(), staff.api, onNew) : null
  onMounted(() => board?.open())
  /** Whatever came in, whether it waits for its group or for the store, before the page was opened or since. */
  return computed(() => {
    const listed = board ? [...board.waitingOrders.value, ...board.orders.value] : []
    const orders = [...arrived.value, ...listed]
    return [...new Map(orders.map((order) => [order.id, order])).values()]
      .sort((a, b) => b.created_at_ms - a.created_at_ms)
      .slice(0, FEED_MAX)
  })
}
