/** What a card offers this household right now, and what its one button does. */
import type { Attempt, AttemptPhase } from './order-desk'
import type { Span } from './promise'
import { isJoinable } from '../room/room-state'
import type { SetPart, Store } from '../base/bodies'
import type { AtMs, Card, Flash, Group, LocalText, Order, OrderState, Product } from '../base/wire'
import { flashFor, priceNow } from './price-now'

/** Units in one order; the server takes no more. */
export const QUANTITY_MAX = 20
/** An order of the same product within this time makes the next one a second purchase, ms. */
const AGAIN_MS = 24 * 3_600_000
const UNDONE = new Set<OrderState>(['cancelled', 'returned', 'expired'])
const WITH_BUYER = new Set<OrderState>(['handed_over', 'delivered'])
/** Nothing follows in the store. */
export const isEnded = (state: OrderState): boolean => UNDONE.has(state) || WITH_BUYER.has(state)

type ButtonState = 'join' | 'buy' | 'confirming' | 'to_pay' | 'joined' | 'bought' | 'sold_out'
type Status = AttemptPhase | 'placed_group' | 'group_complete' | 'group_expired' | 'not_paid'

/** What a buyer has chosen, and what shop and brand say about it. */
export interface Terms {
  quantity: number
  /** Ids of the stores that serve the buyer's estate, first choice first; null when unknown. */
  route: string[] | null
  /** The estate's own store, where that is not the first of `route`: it may be full or closed. */
  own?: string | undefined
  /** An order that costs more is confirmed by a second tap; null for no limit. */
  confirm_above_fen: number | null
  /** The flash sale of the room. */
  flash?: Flash | null
}
const ONE: Terms = { quantity: 1, route: null, confirm_above_fen: null }

/** A card as this household is offered it. */
export interface BagItem {
  /** Of the option that is chosen. */
  card: Card
  /** What the card was pinned as. */
  head: string
  /** All options that the estate is offered, none where there is but one product. */
  options: Product[]
  group: Group | null
  offer: Offer
  /** Where the goods would be handed over, null when unknown. */
  store: Store | null
  /** When that would be; null where it is not promised, and for groups, which are planned when they are complete. */
  promise: Span | null
  /** When they would be at the door, null when no store brings them. */
  delivery: Span | null
}

export interface Offer {
  /** The group a tap would join, null for a purchase on one's own. */
  group: Group | null
  price_fen: number
  /** What is shown as the price, which a group's step may lower after the purchase, and the plain price that is struck. */
  shown: { fen: number; was_fen: number | null }
  /** The flash sale that the tap buys in, null for none. */
  flash_id: string | null
  quantity: number
  /** Units that may be chosen for one order. */
  most: number
  /** Units that one order of this estate can have at most. */
  left: number
  /** Where the goods would be handed over, null when unknown; `moved` when it is not the estate's own store. */
  store: { id: string; moved: boolean } | null
  button: ButtonState
  /** Until when the order that waits for its payment can be paid, null when none does. */
  pay_by_ms: AtMs | null
  /** Whether one may buy once more beside the button. */
  again: boolean
  /** Why a tap has to be confirmed, null when one tap is enough. */
  confirm: 'again' | 'moved' | 'above' | null
  /** How the latest attempt or its order stands, null when there is none for this group. */
  status: Status | null
  /** What the latest attempt did not get: the product, or a part of the set. */
  lacking: LocalText | null
}

/** The offer of `card`, with the estate's group, this household's orders and its latest tap, at server time `at_ms`. */
export function offerOf(
  card: Card,
  group: Group | null,
  orders: Order[],
  attempt: Attempt | null,
  at_ms: number,
  terms: Terms = ONE,
): Offer {
  const { product } = card
  const running = group && isJoinable(group, at_ms) ? group : null
  const other_fen = running ? Math.min(running.price_fen, product.price_fen) : product.price_fen
  const flash = flashFor(product, terms.flash, other_fen, at_ms)
  // An order in a flash sale joins no group.
  const joinable = flash ? null : running
  const price_fen = flash?.price_fen ?? joinable?.price_fen ?? product.price_fen
  const current = attempt && isAbout(attempt, group) ? attempt : null
  const placed = orderOf(orders, group, current)
  const left = leftFor(product, terms.route)
  const most = Math.min(left, QUANTITY_MAX, flash ? Math.min(flash.household_limit, flash.left) : left)
  const quantity = Math.max(1, Math.min(terms.quantity, most))
  const store = servedBy(product, terms.route, quantity, terms.own)
  const own = orders.filter((order) => order.product_id === product.id)
  const unpaid = unpaidOf(joinable, own, placed)
  const button = buttonOf(left, joinable, own, placed, unpaid, current)
  const waits = current !== null && ['confirming', 'offline', 'unknown'].includes(current.phase)
  return {
    group: joinable,
    price_fen,
    shown: priceNow(product, joinable, flash, at_ms),
    flash_id: flash?.id ?? null,
    quantity,
    most,
    left,
    store,
    button,
    pay_by_ms: unpaid?.payment?.expires_at_ms ?? null,
    again: left > 0 && (button === 'bought' || (button === 'joined' && !joinable)),
    confirm: waits ? null : confirmOf(own, store, price_fen * quantity, at_ms, terms),
    status: statusOf(current, placed, group),
    lacking: current?.lacking ?? null,
  }
}

/** Units of `product` that one order can have: it comes from one store of `route`. */
export function leftFor(product: Pick<Product, 'left' | 'stores'>, route: string[] | null): number {
  if (!route || !product.stores) return Math.max(0, product.left)
  return Math.max(0, ...route.map((id) => leftIn(product, id)))
}

/** The part of a set that runs out first, null for no set or when nothing is scarce. */
export function scarcestPart(parts: SetPart[], route: string[] | null): string | null {
  const sets = parts.map((part) => ({
    id: part.product_id,
    n: Math.floor(leftFor(part, route) / part.units),
  }))
  const fewest = Math.min(...sets.map((part) => part.n))
  if (sets.length < 2 || sets.every((part) => part.n === fewest)) return null
  return sets.find((part) => part.n === fewest)?.id ?? null
}

/** The store that an order of `quantity` comes from, as the gate chooses it. */
export function servedBy(
  product: Product,
  route: string[] | null,
  quantity: number,
  own = route?.[0],
): Offer['store'] {
  const first = route?.[0]
  if (first === undefined) return null
  const id = route?.find((store) => leftIn(product, store) >= quantity) ?? first
  return { id, moved: id !== own }
}

function leftIn(product: Pick<Product, 'stores'>, storeId: string): number {
  return product.stores?.find((store) => store.store_id === storeId)?.left ?? 0
}

/** The order that the latest tap has become, or this household's order in the group. */
function orderOf(orders: Order[], group: Group | null, attempt: Attempt | null): Order | null {
  const placed = attempt?.phase === 'placed' && orders.find((order) => order.id === attempt.order_id)
  if (placed) return placed
  const inGroup = orders.filter((order) => group !== null && order.group_id === group.id)
  return inGroup.find((order) => !UNDONE.has(order.state)) ?? inGroup[0] ?? null
}

/** The order of the card that waits for its payment. */
function unpaidOf(joinable: Group | null, own: Order[], placed: Order | null): Order | null {
  const alone = joinable ? [] : own.filter((order) => order.group_id === null)
  return [placed, ...alone].find((order) => order?.state === 'waiting_payment') ?? null
}

function buttonOf(
  left: number,
  joinable: Group | null,
  own: Order[],
  placed: Order | null,
  unpaid: Order | null,
  attempt: Attempt | null,
): ButtonState {
  if (attempt?.phase === 'confirming' || attempt?.phase === 'offline') return 'confirming'
  if (unpaid) return 'to_pay'
  if (placed?.group_id && !UNDONE.has(placed.state)) return 'joined'
  if (joinable && attempt?.phase === 'already_joined') return 'joined'
  if (joinable && attempt?.phase === 'placed' && attempt.order.group_id && !placed) return 'joined'
  if (!joinable && own.some((order) => order.group_id === null && !isEnded(order.state))) return 'bought'
  if (left <= 0) return 'sold_out'
  return joinable ? 'join' : 'buy'
}

function confirmOf(
  own: Order[],
  store: Offer['store'],
  total_fen: number,
  at_ms: number,
  terms: Terms,
): Offer['confirm'] {
  if (own.some((order) => !UNDONE.has(order.state) && at_ms - order.created_at_ms < AGAIN_MS)) return 'again'
  if (store?.moved) return 'moved'
  return terms.confirm_above_fen !== null && total_fen > terms.confirm_above_fen ? 'above' : null
}

/** An attempt on an earlier group is not one on this group. */
function isAbout(attempt: Attempt, group: Group | null): boolean {
  return !attempt.order.group_id || !group || attempt.order.group_id === group.id
}

function statusOf(attempt: Attempt | null, placed: Order | null, group: Group | null): Status | null {
  if (attempt && attempt.phase !== 'placed') return attempt.phase
  if (!placed) return attempt && (attempt.order.group_id ? 'placed_group' : 'placed')
  if (placed.state === 'expired') return 'not_paid'
  if (UNDONE.has(placed.state)) {
    const state = group?.id === placed.group_id ? group?.state : placed.group?.state
    return state === 'expired' ? 'group_expired' : null
  }
  if (placed.state === 'waiting_payment') return null
  if (placed.state === 'waiting_group') return 'placed_group'
  if (isEnded(placed.state)) return null
  return placed.group_id ? 'group_complete' : 'placed'
}
