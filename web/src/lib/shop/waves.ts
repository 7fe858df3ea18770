/** Orders that are picked together: a group's, those of a presale, or all other single ones of a lane. As in commerce/orders/picking.py. */
import type { AtMs, LocalText, OrderState, StoreOrder } from '../base/wire'
import { NEXT_STATE } from './board'

export const SINGLES = 'singles'
/** Orders in one move; the server takes no more. */
const MOVE_MAX = 200

export interface Wave {
  id: string
  group_id: string | null
  state: OrderState
  /** Of a group, what it buys. */
  name: LocalText | null
  due_at_ms: AtMs | null
  orders: StoreOrder[]
}

/** An item of a pick list, and the bags that it goes into. */
export interface PickItem {
  zone: string
  product_id: string
  name: LocalText
  unit: LocalText
  image: string
  units: number
  bags: { bag: number; units: number }[]
}
export interface BagView {
  bag: number
  order_id: string
  number: string
  nickname: string
  estate_name: LocalText
  slot: string
  due_at_ms: AtMs | null
  lines: { product_id: string; name: LocalText; units: number }[]
  note_cards?: { product_id: string }[]
}
export interface WaveView {
  id: string
  state: OrderState
  group_id: string | null
  name: LocalText | null
  due_at_ms: AtMs | null
  items: PickItem[]
  bags: BagView[]
}

/** A wave of a presale: what it takes together, and its batches by the half hour. As in docs/http.md. */
export interface WavePlan {
  id: string
  name: LocalText
  cut_off_ms: AtMs
  ready_by_ms: AtMs
  orders: number
  packed: number
  behind: number
  items: PickItem[]
  batches: PlanBatch[]
}
export interface PlanBatch {
  from_ms: AtMs
  until_ms: AtMs
  orders: number
  packed: number
  open_orders: { order_id: string; state: OrderState }[]
  items: PickItem[]
}

/** The orders of a batch that one tap moves on: those of its earliest state, and where they go. */
export function nextOfBatch(batch: PlanBatch): { to: OrderState; ids: string[] } | null {
  const from = (['new', 'picking'] as const).find((state) =>
    batch.open_orders.some((order) => order.state === state),
  )
  const to = from && NEXT_STATE[from]
  if (!to) return null
  const going = batch.open_orders.filter(({ state }) => state === from)
  return { to, ids: going.slice(0, MOVE_MAX).map((one) => one.order_id) }
}

/** How fast orders of the last day were ready. */
export interface Pace {
  orders: number
  on_time: number
  p50_ms: number | null
  p95_ms: number | null
}

/** The waves of one lane that are worth a tap of their own: two orders or more. Groups first, the earliest due first. */
export function wavesOf(orders: StoreOrder[], state: OrderState): Wave[] {
  if (!NEXT_STATE[state]) return []
  const found = new Map<string, StoreOrder[]>()
  for (const order of orders)
    if (order.state === state) {
      const id = order.group_id ?? (order.wave || SINGLES)
      found.set(id, [...(found.get(id) ?? []), order])
    }
  const waves = [...found].map(([id, own]) => wave(id, state, own))
  return waves
    .filter((one) => one.orders.length > 1)
    .sort(
      (a, b) =>
        Number(a.group_id === null) - Number(b.group_id === null) ||
        (a.due_at_ms ?? Infinity) - (b.due_at_ms ?? Infinity),
    )
}

function wave(id: string, state: OrderState, own: StoreOrder[]): Wave {
  const orders = own.sort((a, b) => a.created_at_ms - b.created_at_ms || (a.number < b.number ? -1 : 1))
  const due = orders.map((order) => order.due_at_ms).filter((at_ms) => at_ms !== null)
  const group = orders[0]?.group_id ?? null
  return {
    id,
    group_id: group,
    state,
    name: group ? (orders[0]?.name ?? null) : null,
    due_at_ms: due.length > 0 ? Math.min(...due) : null,
    orders,
  }
}

/** The items of a pick list by zone, in the order of the list. */
export function zonesOf(items: PickItem[]): { zone: string; items: PickItem[] }[] {
  const zones = new Map<string, PickItem[]>()
  for (const item of items) zones.set(item.zone, [...(zones.get(item.zone) ?? []), item])
  return [...zones].map(([zone, own]) => ({ zone, items: own }))
}

/** Open orders whose time is over, though they are not ready. */
export function lateOnes(orders: StoreOrder[], at_ms: AtMs): StoreOrder[] {
  return orders.filter(
    (order) => NEXT_STATE[order.state] && order.due_at_ms !== null && order.due_at_ms < at_ms,
  )
}

/** What a clerk may search for without the server: part of a name, or of a number. */
export function matches(order: StoreOrder, words: string): boolean {
  const sought = words.trim().replace(/^#/, '').toLowerCase()
  return (
    sought === '' ||
    order.number.toLowerCase().includes(sought) ||
    order.buyer.nickname.toLowerCase().includes(sought)
  )
}

/** Whether the server may know more than the board: a phone's last four digits, or a pickup code. */
export function needsServer(words: string): boolean {
  const sought = words.trim()
  return /^\d{4}$/.test(sought) || sought.replace(/[^0-9a-z]/gi, '').length === 9
}
