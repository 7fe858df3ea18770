/** The guest's own page: who this device is, their orders, and the way to another device. */
import { computed, onMounted, ref, shallowRef } from 'vue'
import type { Estate } from '../../lib/base/bodies'
import type { Order } from '../../lib/base/wire'
import { useGuest } from '../../use/use-guest'

const CODE_IN_LINK = /^#move=(.+)$/

export function useMe() {
  const guest = useGuest()
  const estates = shallowRef<Estate[]>([])
  const orders = shallowRef<Order[] | null>(null)
  const stale = ref(false)
  const given = decodeURIComponent(CODE_IN_LINK.exec(location.hash)?.[1] ?? '')
  // A code that stays in the address would be kept in the history and in bookmarks.
  if (given) history.replaceState(history.state, '', location.pathname)

  async function refresh(): Promise<void> {
    if (!guest.token()) return
    try {
      orders.value = await guest.api.myOrders()
      estates.value = await guest.api.estates()
      stale.value = false
    } catch {
      stale.value = true
    }
  }
  onMounted(() => void refresh())

  return {
    guest,
    orders,
    stale,
    given,
    refresh,
    estate: computed(() => estates.value.find(({ id }) => id === guest.guest.value?.estate_id) ?? null),
  }
}
