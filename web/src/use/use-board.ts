/** A shop's orders, kept current by its channel; fetched anew with every snapshot. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import { keepingOlder, withOlder, withOrder } from '../lib/shop/board'
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
  /** A cold cabinet changed, or may have. */
  onCabinet: () => void = () => {},
) {
  const board = shallowRef<StoreBoard>({ orders: [], waiting: [], waiting_orders: [], now_ms: 0, next: null })
  const loaded = ref(false)
  /** Older orders are on their way. */
  const loadingOlder = ref(false)
  /** They have been asked for: from then on the board keeps them. */
  let keeps = false
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
      board.value = keeps ? keepingOlder(board.value, listed) : listed
      loaded.value = true
    } catch {
      timer = window.setTimeout(() => void refresh(), RETRY_MS)
    }
  }

  /** Add the next page of older orders that were handed over; whether it came. */
  async function loadOlder(): Promise<boolean> {
    const cursor = board.value.next
    if (cursor === null || loadingOlder.value) return true
    keeps = true
    loadingOlder.value = true
    try {
      const page = await api.handedOver(storeId, cursor)
      if (board.value.next === cursor) board.value = withOlder(board.value, page)
      return true
    } catch {
      return false
    } finally {
      loadingOlder.value = false
    }
  }

  function take(order: StoreOrder): void {
    changes += 1
    const isNew = !board.value.orders.some((known) => known.id === order.id)
    board.value = { ...board.value, orders: withOrder(board.value.orders, order) }
    if (isNew) onNew(order)
  }

  function receive(message: ServerMessage): void {
    if (message.t === 'snapshot') {
      void refresh()
      onCabinet()
    }
    if (message.t !== 'tick') return
    for (const event of message.events ?? []) {
      if (event.k === 'order') take(event.order)
      if (event.k === 'cabinet') onCabinet()
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
    waitingOrders: computed(() => board.value.waiting_orders),
    hasOlder: computed(() => board.value.next !== null),
    loaded,
    loadingOlder,
    loadOlder,
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
