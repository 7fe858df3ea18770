/** A shop's orders by lane, and the one move each lane allows. */
import type { OrderState, StoreOrder } from '../base/wire'

export const LANES = ['new', 'picking', 'packed', 'ready', 'handed_over'] as const
export type Lane = (typeof LANES)[number]

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

/** The orders of a lane: open ones with the most pressing first, handed over ones with the latest first. */
export function laneOf(orders: StoreOrder[], lane: Lane): StoreOrder[] {
  const own = orders.filter((order) => order.state === lane)
  if (lane === 'handed_over')
    return own.sort((a, b) => (b.handed_over_at_ms ?? 0) - (a.handed_over_at_ms ?? 0))
  return own.sort((a, b) => (a.due_at_ms ?? a.created_at_ms) - (b.due_at_ms ?? b.created_at_ms))
}
