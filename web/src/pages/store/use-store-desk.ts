/** A store's board, the moves of its orders, and what a clerk finds and hears. */
import { computed, onMounted, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { Store } from '../../lib/base/bodies'
import { CloseCode, type OrderState, type StoreOrder } from '../../lib/base/wire'
import { LANES, laneOf } from '../../lib/shop/board'
import { type Pace, type Wave, lateOnes, matches, needsServer, wavesOf } from '../../lib/shop/waves'
import { notify } from '../../use/toast'
import { useBoard } from '../../use/use-board'
import { useCabinets } from '../../use/use-cabinets'
import { useChime } from '../../use/use-chime'
import { useOutgoing } from '../../use/use-outgoing'
import type { StaffModel } from '../../use/use-staff'
import { useWords } from '../../use/use-words'

/** Wait before a failed request is repeated, ms. */
const RETRY_MS = 3000
/** How often the pace of the day is asked for, ms. */
const PACE_EVERY_MS = 60_000
/** After the last letter of a search, ms. */
const SEARCH_AFTER_MS = 300

export function useStoreDesk(storeId: string, staff: StaffModel) {
  const { t, text } = useWords()
  const { api } = staff
  const path = `/api/stores/${encodeURIComponent(storeId)}`
  const store = shallowRef<Store | null>(null)
  const pace = shallowRef<Pace | null>(null)
  const words = ref('')
  /** What the server found beside the board, for the words that were searched for. */
  const found = shallowRef<{ words: string; orders: StoreOrder[] }>({ words: '', orders: [] })
  const returning = ref(false)
  const chime = useChime()
  let timer = 0
  let searching = 0
  const cabinets = useCabinets(storeId, api, (name) => {
    notify(t('cabinet.alarm_now', { name }))
    chime.play('late')
  })
  const onNew = (order: StoreOrder) => {
    if (order.state !== 'new') return
    notify(t('store.new_order', { product: text(order.name) }))
    chime.play('new')
  }
  const board = useBoard(storeId, staff.token(), api, onNew, () => void cabinets.refresh())
  const outgoing = useOutgoing(
    storeId,
    api,
    () => board.at_ms.value,
    (orders) => orders.forEach(board.take),
  )
  const orders = computed(() => outgoing.shown(board.orders.value))
  const shown = computed(() => {
    const own = orders.value.filter((order) => matches(order, words.value))
    if (found.value.words !== words.value.trim()) return own
    const known = new Set(own.map(({ id }) => id))
    return [...own, ...outgoing.shown(found.value.orders).filter(({ id }) => !known.has(id))]
  })
  const late = computed(() => lateOnes(orders.value, board.at_ms.value))

  async function search(): Promise<void> {
    const sought = words.value.trim()
    if (sought === '') return
    try {
      const query = `?q=${encodeURIComponent(sought)}`
      const answer = await api.get<{ orders: StoreOrder[] }>(`${path}/found-orders${query}`)
      found.value = { words: sought, orders: answer.orders }
    } catch {
      // The board's own orders are found without it.
    }
  }
  watch(words, (sought) => {
    clearTimeout(searching)
    if (needsServer(sought)) searching = window.setTimeout(() => void search(), SEARCH_AFTER_MS)
  })

  const alarmed = new Set<string>()
  watch(late, (orders) => {
    const fresh = orders.filter(({ id }) => !alarmed.has(id))
    for (const order of fresh) alarmed.add(order.id)
    if (fresh[0]) {
      notify(t('packing.late_now', { number: fresh[0].number }))
      chime.play('late')
    }
  })

  const title = document.title
  const fresh = computed(() => orders.value.filter(({ state }) => state === 'new').length)
  watch(fresh, (n) => (document.title = n > 0 ? `(${n}) ${title}` : title), { immediate: true })

  async function load(): Promise<void> {
    try {
      store.value = await api.store(storeId)
    } catch {
      timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }
  async function measure(): Promise<void> {
    pace.value = await api.get<Pace>(`${path}/pace`).catch(() => pace.value)
  }
  const measuring = setInterval(() => void measure(), PACE_EVERY_MS)

  watch(board.channel.phase, () => {
    if (board.channel.closeCode() === CloseCode.UNAUTHORISED) staff.expire()
  })
  onMounted(() => {
    board.open()
    void load()
    void measure()
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    clearTimeout(searching)
    clearInterval(measuring)
    document.title = title
  })
  return {
    store,
    board,
    cabinets,
    outgoing,
    chime,
    pace,
    late,
    words,
    search,
    found: computed(() => shown.value.length),
    move: (order: StoreOrder, to: string) => outgoing.move([order], to as OrderState),
    returning,
    closed(closed_until_ms: number): void {
      if (store.value) store.value = { ...store.value, closed_until_ms }
    },
    /** The goods stay in the store and the buyer gets the money back; the counter needs a network for that. */
    async giveBack(order: StoreOrder): Promise<void> {
      if (returning.value) return
      returning.value = true
      try {
        board.take(await api.move(order.id, 'returned'))
      } catch {
        notify(t('store.return_failed'))
      } finally {
        returning.value = false
      }
    },
    moveIds: (ids: string[], to: OrderState) =>
      outgoing.move(
        board.orders.value.filter(({ id }) => ids.includes(id)),
        to,
      ),
    moveWave: (wave: Wave, to: string, slot: string) =>
      outgoing.move(wave.orders, to as OrderState, slot.trim().toUpperCase()),
    async loadOlder(): Promise<void> {
      if (!(await board.loadOlder())) notify(t('store.older_failed'))
    },
    lanes: computed(() =>
      LANES.map((lane) => ({
        lane,
        orders: laneOf(shown.value, lane),
        waves: words.value.trim() ? [] : wavesOf(orders.value, lane),
      })),
    ),
  }
}
export type StoreDeskModel = ReturnType<typeof useStoreDesk>
