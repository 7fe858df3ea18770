/**
 * Moves that a clerk has made and the server has not: kept in the browser, sent in order, each by its own key.
 *
 * The board shows orders where the waiting moves take them. A move that the server refuses is a conflict: it is
 * dropped, named, and the board shows what the server says.
 */
import type { AtMs, OrderState, StoreOrder } from '../base/wire'

/** Moves that wait at most; a store has not that many orders open. */
export const WAITING_MAX = 200

/** One tap: orders by id with their numbers, which name them when something is wrong. */
export interface Outgoing {
  key: string
  to: OrderState
  slot: string
  orders: { id: string; number: string }[]
  at_ms: AtMs
}

/** What the server says of one order of a batch. */
export interface BatchAnswer {
  order_id: string
  outcome: 'moved' | 'already' | 'refused' | 'unknown'
  state: OrderState | null
}
export interface MovedBatch {
  id: string
  to: OrderState
  answers: BatchAnswer[]
  orders: StoreOrder[]
  undo_until_ms: AtMs | null
}

/** An order that did not go where the clerk moved it; `state` is where it is, null where it is no more. */
export interface Conflict {
  number: string
  to: OrderState
  state: OrderState | null
}

/** The orders where the waiting moves take them. */
export function withOutgoing(orders: StoreOrder[], waiting: Outgoing[]): StoreOrder[] {
  if (waiting.length === 0) return orders
  const moved = new Map<string, { state: OrderState; slot?: string }>()
  for (const one of waiting)
    for (const { id } of one.orders) moved.set(id, { state: one.to, ...(one.slot ? { slot: one.slot } : {}) })
  return orders.map((order) => ({ ...order, ...moved.get(order.id) }))
}

/** How many orders have moved here and not at the server. */
export function waitingOrders(waiting: Outgoing[]): number {
  return new Set(waiting.flatMap((one) => one.orders.map(({ id }) => id))).size
}

/** The orders of a sent move that are not where it was to take them. */
export function conflictsOf(sent: Outgoing, answers: BatchAnswer[]): Conflict[] {
  const numbers = new Map(sent.orders.map(({ id, number }) => [id, number]))
  return answers
    .filter(({ outcome }) => outcome === 'refused' || outcome === 'unknown')
    .map(({ order_id, state }) => ({ number: numbers.get(order_id) ?? '', to: sent.to, state }))
}

/** A move that has not been sent is simply not made; null if it, or an order of it, has gone on. */
export function takenBack(waiting: Outgoing[], key: string): Outgoing[] | null {
  const place = waiting.findIndex((one) => one.key === key)
  if (place < 0) return null
  const own = new Set(waiting[place]?.orders.map(({ id }) => id))
  const later = waiting.slice(place + 1).some((one) => one.orders.some(({ id }) => own.has(id)))
  return later ? null : waiting.filter((one) => one.key !== key)
}

/** What was kept, as far as it can be read. */
export function readWaiting(kept: string | null): Outgoing[] {
  try {
    const value: unknown = JSON.parse(kept ?? '[]')
    return Array.isArray(value) ? value.filter(isOutgoing).slice(0, WAITING_MAX) : []
  } catch {
    return []
  }
}

function isOutgoing(value: unknown): value is Outgoing {
  const one = value as Partial<Outgoing> | null
  return (
    typeof one?.key === 'string' &&
    typeof one.to === 'string' &&
    typeof one.slot === 'string' &&
    Array.isArray(one.orders) &&
    one.orders.every((order) => typeof order?.id === 'string' && typeof order.number === 'string')
  )
}
