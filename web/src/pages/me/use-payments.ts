/** Orders that wait for their payment: counted down, and asked for until they are paid or over. */
import { computed, onScopeDispose, ref, type Ref } from 'vue'
import type { Order } from '../../lib/base/wire'
import { loginOf } from '../../lib/shop/payment'
import type { GuestModel } from '../../use/use-guest'

const TICK_MS = 1000
/** How often the shop is asked what became of a payment. */
const ASK_EVERY_MS = 5000

export function usePayments(guest: GuestModel, orders: Ref<Order[] | null>, refresh: () => Promise<void>) {
  const at_ms = ref(Date.now())
  const waits = computed(() => orders.value?.some((order) => order.payment) ?? false)
  let asked_ms = at_ms.value
  const login = loginOf(location.search)
  // A code is good once, and nobody's to see.
  if (login) history.replaceState(history.state, '', location.pathname)

  function look(): void {
    if (document.hidden || !waits.value) return
    at_ms.value = Date.now()
    if (at_ms.value - asked_ms < ASK_EVERY_MS) return
    asked_ms = at_ms.value
    void refresh()
  }
  const timer = window.setInterval(look, TICK_MS)
  document.addEventListener('visibilitychange', look)
  onScopeDispose(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', look)
  })

  /** Give an order up; false when the server did not let us. */
  async function cancel(order: Order): Promise<boolean> {
    try {
      await guest.api.cancelOrder(order.id)
      return true
    } catch {
      return false
    } finally {
      void refresh()
    }
  }

  return {
    at_ms,
    cancel,
    /** The order that the provider's login was for, with its code. */
    login,
    begin: (order: Order, code: string) => guest.api.beginPayment(order.id, code),
  }
}
