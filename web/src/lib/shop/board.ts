/** A shop's orders by lane, and the one move each lane allows. */
import type { StoreBoard } from '../base/bodies'
import type { OrderState, StoreOrder } from '../base/wire'

/** The server lists what was handed over within 2 h; boards further apart may have a gap between them, ms. */
const GAP_MS = 2 * 3_600_000

export const LANES = ['new', 'picking', 'packed', 'ready', 'handed_over'] as const
export type Lane = (typeof LANES)[number]

/** The lane of an order: what is out still waits for its buyer, what is delivered is with them. */
export function laneFor(state: OrderState): Lane | null {
  if (state === 'out') return 'ready'
  if (state === 'delivered') return 'handed_over'
  return LANES.find((lane) => lane === state) ?? null
}

/** What the big button of a lane does; a ready order is handed over by its pickup code alone. */
export const NEXT_STATE: Partial<Record<OrderState, OrderState>> = {
  new: 'picking',
  picking: 'packed',
  packed: 'ready',
}

/** The list with `order` as it is now: replaced, or added at the end. */
export function withOrder(orders: StoreOrder[], order: StoreOrder): StoreOrder[] {
  const known = orders.some((other) => other.id === order.id)
  return known ? orders.map((other) => (other.id === order.id ? order : other)) : [...orders, order]
}

/** The board with a page of older orders that were handed over. */
export function withOlder(board: StoreBoard, older: Pick<StoreBoard, 'orders' | 'next'>): StoreBoard {
  const known = new Set(board.orders.map((order) => order.id))
  const added = older.orders.filter((order) => !known.has(order.id))
  return { ...board, orders: [...board.orders, ...added], next: older.next }
}

/** `listed`, with the older orders that `shown` has; without them if orders between the two may be missing. */
export function keepingOlder(shown: StoreBoard, listed: StoreBoard): StoreBoard {
  const handedOver = ({ state }: StoreOrder) => laneFor(state) === 'handed_over'
  const known = new Set(shown.orders.filter(handedOver).map((order) => order.id))
  const recent = listed.orders.filter(handedOver)
  const meets = recent.length === 0 || recent.some((order) => known.has(order.id))
  if (!meets || listed.now_ms - shown.now_ms >= GAP_MS) return listed
  return withOlder(listed, { orders: shown.orders.filter(handedOver), next: shown.next })
}

/** The orders of a lane: open ones with the most pressing first, handed over ones with the latest first. */
export function laneOf(orders: StoreOrder[], lane: Lane): StoreOrder[] {
  const own = orders.filter((order) => laneFor(order.state) === lane)
  if (lane === 'handed_over')
    return own.sort((a, b) => (b.handed_over_at_ms ?? 0) - (a.handed_over_at_ms ?? 0))
  return own.sort((a, b) => (a.due_at_ms ?? a.created_at_ms) - (b.due_at_ms ?? b.created_at_ms))
}
