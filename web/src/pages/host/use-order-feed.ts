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
  /** Orders that came in while the page was open (those that wait for their group too), then the rest of the board. */
  return computed(() => {
    const orders = [...(board?.orders.value ?? []), ...arrived.value]
    return [...new Map(orders.map((order) => [order.id, order])).values()]
      .sort((a, b) => b.created_at_ms - a.created_at_ms)
      .slice(0, FEED_MAX)
  })
}
