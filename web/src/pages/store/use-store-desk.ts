/** A store's board, and the moves of its orders. */
import { computed, onMounted, onScopeDispose, reactive, shallowRef, watch } from 'vue'
import { Refused } from '../../lib/base/api'
import type { Store } from '../../lib/base/bodies'
import { CloseCode, type StoreOrder } from '../../lib/base/wire'
import { LANES, laneOf } from '../../lib/shop/board'
import { notify } from '../../use/toast'
import { useBoard } from '../../use/use-board'
import type { StaffModel } from '../../use/use-staff'
import { useWords } from '../../use/use-words'

/** Wait before a failed request is repeated, ms. */
const RETRY_MS = 3000

export function useStoreDesk(storeId: string, staff: StaffModel) {
  const { t, text } = useWords()
  const { api } = staff
  const store = shallowRef<Store | null>(null)
  /** Orders that are being moved. */
  const busy = reactive(new Set<string>())
  let timer = 0
  const board = useBoard(storeId, staff.token(), api, (order) => {
    if (order.state === 'new') notify(t('store.new_order', { product: text(order.name) }))
  })

  async function move(order: StoreOrder, to: string): Promise<void> {
    busy.add(order.id)
    try {
      board.take(await api.move(order.id, to))
    } catch (error) {
      const raced = error instanceof Refused && error.status === 409
      notify(t(raced ? 'store.moved_elsewhere' : 'store.move_failed'))
      void board.refresh()
    } finally {
      busy.delete(order.id)
    }
  }

  async function loadOlder(): Promise<void> {
    if (!(await board.loadOlder())) notify(t('store.older_failed'))
  }

  async function load(): Promise<void> {
    try {
      store.value = await api.store(storeId)
    } catch {
      timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }

  watch(board.channel.phase, () => {
    if (board.channel.closeCode() === CloseCode.UNAUTHORISED) staff.expire()
  })
  onMounted(() => {
    board.open()
    void load()
  })
  onScopeDispose(() => clearTimeout(timer))
  return {
    store,
    board,
    busy,
    move,
    loadOlder,
    lanes: computed(() => LANES.map((lane) => ({ lane, orders: laneOf(board.orders.value, lane) }))),
  }
}
export type StoreDeskModel = ReturnType<typeof useStoreDesk>
