/** A shop's orders, kept current by its channel; fetched anew with every snapshot. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import { withOrder } from '../lib/shop/board'
import type { ServerMessage, StoreOrder } from '../lib/base/wire'
import type { StoreBoard } from '../lib/base/bodies'
import { useChannel } from './use-channel'

/** Interval of the page's clock, ms. */
const CLOCK_EVERY_MS = 1000
/** Wait before a failed board request is repeated, ms. */
const RETRY_MS = 3000
/** Group changes come in bursts; the waiting list is fetched once for all of them, ms. */
const WAITING_AFTER_MS = 400

export function useBoard(
  storeId: string,
  token: string | null,
  api: Api,
  onNew: (order: StoreOrder) => void,
) {
  const board = shallowRef<StoreBoard>({ orders: [], waiting: [], now_ms: 0 })
  const loaded = ref(false)
  const at_ms = ref(Date.now())
  let timer = 0
  let changes = 0

  async function refresh(): Promise<void> {
    clearTimeout(timer)
    try {
      const before = changes
      const listed = await api.board(storeId)
      // An order pushed while the request was in flight may be newer than the list.
      if (changes !== before) return await refresh()
      board.value = listed
      loaded.value = true
    } catch {
      timer = window.setTimeout(() => void refresh(), RETRY_MS)
    }
  }

  function take(order: StoreOrder): void {
    changes += 1
    const isNew = !board.value.orders.some((known) => known.id === order.id)
    board.value = { ...board.value, orders: withOrder(board.value.orders, order) }
    if (isNew) onNew(order)
  }

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot') void refresh()
    if (message.t !== 'tick') return
    for (const event of message.events ?? []) {
      if (event.k === 'order') take(event.order)
      if (event.k === 'group' || event.k === 'order') {
        clearTimeout(timer)
        timer = window.setTimeout(() => void refresh(), WAITING_AFTER_MS)
      }
    }
  }

  const channel = useChannel(`store:${storeId}`, token, receive)
  const clock = setInterval(() => (at_ms.value = channel.serverTime()), CLOCK_EVERY_MS)
  onScopeDispose(() => {
    clearInterval(clock)
    clearTimeout(timer)
  })
  return {
    orders: computed(() => board.value.orders),
    waiting: computed(() => board.value.waiting),
    loaded,
    at_ms,
    channel,
    refresh,
    take,
    open() {
      channel.open()
      void refresh()
    },
  }
}
