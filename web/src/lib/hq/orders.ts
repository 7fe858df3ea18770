/** Orders and capacity as the head office's interface has them. */
import type { AtMs, Fen, LocalText, OrderState, StoreRef } from '../base/wire'
import type { Kind, Span } from '../shop/promise'

export interface OfficeOrder {
  id: string
  number: string
  state: OrderState
  name: LocalText
  estate_name: LocalText
  store: StoreRef
  fulfilment: Kind
  promised: Span | null
  total_fen: Fen
  refunded_fen: Fen
  created_at_ms: AtMs
  due_at_ms: AtMs | null
  ready_at_ms: AtMs | null
  /** How often it was given to another store. */
  routes: number
}
interface RuledOut {
  store_id: string
  store_name: LocalText
  reason: 'closed' | 'no-delivery' | 'too-far' | 'no-stock' | 'full'
  /** The item that it lacks, or how far it is. */
  detail: string
  item_name: LocalText | null
}
interface OrderRoute {
  store: StoreRef
  promised: Span | null
  reason: string
  at_ms: AtMs
  ruled_out: RuledOut[]
}
export interface OrderDetail {
  order: OfficeOrder
  routes: OrderRoute[]
  moves: { from_state: OrderState; to_state: OrderState; moved_by: string; at_ms: AtMs }[]
}
export interface Window extends Span {
  name: string
  capacity: number
  taken: number
  held: number
}
export interface StoreCapacity {
  store: StoreRef
  packers: number | null
  orders_per_packer_hour: number
  closed_until_ms: AtMs
  ready: number
  late: number
  windows: Window[]
}
export interface Capacity {
  stores: StoreCapacity[]
  now_ms: AtMs
}

const BEYOND = 48

/** How full a window is, from 0 to 1. */
export function fullness(shown: Window): number {
  return shown.capacity ? Math.min(1, (shown.taken + shown.held) / shown.capacity) : 0
}

/** Share of today's orders that were ready in time, null before the first one. */
export function onTime(store: StoreCapacity): number | null {
  return store.ready ? (store.ready - store.late) / store.ready : null
}

/** The beginnings of all windows from the current one on, each once, as the columns of a table. */
export function columnsOf({ stores, now_ms }: Capacity): AtMs[] {
  const ahead = stores.flatMap((store) =>
    store.windows.filter((shown) => shown.until_ms > now_ms && !isWave(shown)),
  )
  return [...new Set(ahead.map((shown) => shown.from_ms))].sort((a, b) => a - b).slice(0, BEYOND)
}

/** Whether its orders are packed overnight, all ready at its end. */
export function isWave(shown: Window): boolean {
  return shown.name.startsWith('w')
}

/** Whether an order was, or is, later than it was to be ready. */
export function isLate(order: OfficeOrder, at_ms: AtMs): boolean {
  if (order.due_at_ms === null || order.state === 'cancelled') return false
  if (order.ready_at_ms !== null) return order.ready_at_ms > order.due_at_ms
  return ['new', 'picking', 'packed'].includes(order.state) && at_ms > order.due_at_ms
}

const DAY_MS = 24 * 3_600_000
/** China is ahead of UTC, ms. */
const CHINA_MS = 8 * 3_600_000
/** When the day of shops ends. */
export const dayEndMs = (at_ms: AtMs): AtMs =>
  (Math.floor((at_ms + CHINA_MS) / DAY_MS) + 1) * DAY_MS - CHINA_MS
