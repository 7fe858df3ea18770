/** Orders that wait for their payment: counted down, and asked for until they are paid or over. */
import { computed, onScopeDispose, ref, type Ref, watch } from 'vue'
import type { AtMs, Order } from '../../lib/base/wire'
import { loginOf } from '../../lib/shop/payment'
import type { GuestModel } from '../../use/use-guest'

const TICK_MS = 1000
/** How often the shop is asked what became of a payment. */
const ASK_EVERY_MS = 5000

/** `serverNow` is the server's time, by which a payment ends; of the device's clock, nothing is known. */
export function usePayments(
  guest: GuestModel,
  orders: Ref<Order[] | null>,
  refresh: () => Promise<void>,
  serverNow: () => AtMs,
) {
  const at_ms = ref(serverNow())
  const waits = computed(() => orders.value?.some((order) => order.payment) ?? false)
  let asked_ms = performance.now()
  const login = loginOf(location.search)
  // A code is good once, and nobody's to see.
  if (login) history.replaceState(history.state, '', location.pathname)

  function look(): void {
    if (document.hidden || !waits.value) return
    at_ms.value = serverNow()
    if (performance.now() - asked_ms < ASK_EVERY_MS) return
    asked_ms = performance.now()
    void refresh()
  }
  watch(orders, () => (at_ms.value = serverNow()), { flush: 'sync' })
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
