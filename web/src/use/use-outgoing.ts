/** Sends a store's moves, in order and each once, and keeps them in the browser until then. */
import { computed, onScopeDispose, shallowRef } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import { randomKey } from '../lib/base/keys'
import type { OrderState, StoreOrder } from '../lib/base/wire'
import {
  type Conflict,
  type MovedBatch,
  type Outgoing,
  WAITING_MAX,
  conflictsOf,
  readWaiting,
  takenBack,
  waitingOrders,
  withOutgoing,
} from '../lib/shop/outgoing'
import { onNetworkChange } from './network'
import { storage } from './storage'

/** Wait before moves that did not get through are sent again, ms. */
const RETRY_MS = 3000

/** The last move, which can be taken back. */
export interface Undoable {
  key: string
  /** Null while it has not been sent. */
  batch: string | null
  to: OrderState
  count: number
  until_ms: number
}
const UNDO_MS = 5 * 60_000

export function useOutgoing(
  storeId: string,
  api: Api,
  serverTime: () => number,
  onMoved: (orders: StoreOrder[]) => void,
) {
  const kept = `linli.moves.${storeId}`
  const path = `/api/stores/${encodeURIComponent(storeId)}/moves`
  const waiting = shallowRef<Outgoing[]>(readWaiting(storage.getItem(kept)))
  const conflicts = shallowRef<Conflict[]>([])
  const undoable = shallowRef<Undoable | null>(null)
  let sending = false
  /** The move that is on its way to the server. */
  let posted: { key: string; answer: Promise<boolean> } | null = null
  let timer = 0

  function keep(next: Outgoing[]): void {
    waiting.value = next
    if (next.length > 0) storage.setItem(kept, JSON.stringify(next))
    else storage.removeItem(kept)
  }

  /** Move orders on, here at once and at the server as soon as it can be reached. */
  function move(orders: StoreOrder[], to: OrderState, slot = ''): boolean {
    if (orders.length === 0 || waiting.value.length >= WAITING_MAX) return false
    const named = orders.map(({ id, number }) => ({ id, number }))
    const one = { key: randomKey(), to, slot, orders: named, at_ms: serverTime() }
    keep([...waiting.value, one])
    undoable.value = {
      key: one.key,
      batch: null,
      to,
      count: orders.length,
      until_ms: one.at_ms + UNDO_MS,
    }
    void send()
    return true
  }

  async function send(): Promise<void> {
    clearTimeout(timer)
    if (sending) return
    sending = true
    try {
      for (let first = waiting.value[0]; first; first = waiting.value[0]) {
        posted = { key: first.key, answer: post(first) }
        if (!(await posted.answer)) break
      }
    } finally {
      posted = null
      sending = false
    }
    if (waiting.value.length > 0) timer = window.setTimeout(() => void send(), RETRY_MS)
  }

  /** Whether the server has decided about a move. */
  async function post(one: Outgoing): Promise<boolean> {
    const body = { order_ids: one.orders.map(({ id }) => id), to: one.to, slot: one.slot }
    try {
      const moved = await api.send<MovedBatch>('POST', path, body, { 'Idempotency-Key': one.key })
      onMoved(moved.orders)
      decided(one, conflictsOf(one, moved.answers))
      if (undoable.value?.key === one.key)
        undoable.value = moved.answers.some(({ outcome }) => outcome === 'moved')
          ? { ...undoable.value, batch: moved.id, until_ms: moved.undo_until_ms ?? 0 }
          : null
      return true
    } catch (error) {
      const final = error instanceof Refused && [403, 404, 409, 422].includes(error.status)
      if (!final) return false
      decided(
        one,
        one.orders.map(({ number }) => ({ number, to: one.to, state: null })),
      )
      if (undoable.value?.key === one.key) undoable.value = null
      return true
    }
  }

  function decided(one: Outgoing, found: Conflict[]): void {
    keep(waiting.value.filter(({ key }) => key !== one.key))
    conflicts.value = [...conflicts.value, ...found]
  }

  /** Take the last move back; whether that worked. */
  async function undo(): Promise<boolean> {
    const asked = undoable.value?.key
    // What is on its way may be made: only the server can take it back then.
    if (posted && posted.key === asked) await posted.answer
    const last = undoable.value
    if (!last || last.key !== asked) return false
    if (!last.batch) {
      const rest = takenBack(waiting.value, last.key)
      if (!rest) return false
      keep(rest)
      undoable.value = null
      return true
    }
    try {
      const undone = await api.send<MovedBatch>('POST', `${path}/${last.batch}/undo`)
      onMoved(undone.orders)
      undoable.value = null
      return undone.answers.every(({ outcome }) => outcome !== 'refused')
    } catch (error) {
      if (error instanceof Refused) undoable.value = null
      return false
    }
  }

  const stop = onNetworkChange(() => void send())
  void send()
  onScopeDispose(() => {
    stop()
    clearTimeout(timer)
  })
  return {
    waiting,
    waitingCount: computed(() => waitingOrders(waiting.value)),
    conflicts,
    undoable,
    shown: (orders: StoreOrder[]) => withOutgoing(orders, waiting.value),
    move,
    undo,
    dismiss: () => (conflicts.value = []),
    forgetUndo: () => (undoable.value = null),
  }
}
export type OutgoingModel = ReturnType<typeof useOutgoing>
