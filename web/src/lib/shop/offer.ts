/** What a card offers this household right now, and what its one button does. */
import type { Attempt, AttemptPhase } from './order-desk'
import { isJoinable } from '../room/room-state'
import type { Card, Group, Order } from '../base/wire'

type ButtonState = 'join' | 'buy' | 'confirming' | 'joined' | 'bought' | 'sold_out'

export interface Offer {
  /** The group a tap would join, null for a purchase on one's own. */
  group: Group | null
  price_fen: number
  button: ButtonState
  /** How the latest attempt stands, null when there is none for this group. */
  status: AttemptPhase | 'placed_group' | null
}

/** The offer of `card`, with the estate's group, this household's orders and its latest tap, at server time `at_ms`. */
export function offerOf(
  card: Card,
  group: Group | null,
  orders: Order[],
  attempt: Attempt | null,
  at_ms: number,
): Offer {
  const joinable = group && isJoinable(group, at_ms) ? group : null
  const price_fen = joinable ? joinable.price_fen : card.product.price_fen
  const mine = group && orders.some((order) => order.group_id === group.id && order.state !== 'cancelled')
  const current = attempt && isAbout(attempt, group) ? attempt : null
  return {
    group: joinable,
    price_fen,
    button: buttonOf(card, joinable, Boolean(mine), current),
    status: statusOf(current),
  }
}

function buttonOf(card: Card, joinable: Group | null, mine: boolean, attempt: Attempt | null): ButtonState {
  if (attempt?.phase === 'confirming' || attempt?.phase === 'offline') return 'confirming'
  const joined =
    attempt?.phase === 'already_joined' || (attempt?.phase === 'placed' && attempt.order.group_id)
  if (mine || (joined && joinable)) return 'joined'
  if (attempt?.phase === 'placed' && !attempt.order.group_id) return 'bought'
  if (card.product.left <= 0) return 'sold_out'
  return joinable ? 'join' : 'buy'
}

/** An attempt on an earlier group is not one on this group. */
function isAbout(attempt: Attempt, group: Group | null): boolean {
  return !attempt.order.group_id || !group || attempt.order.group_id === group.id
}

function statusOf(attempt: Attempt | null): Offer['status'] {
  if (!attempt) return null
  return attempt.phase === 'placed' && attempt.order.group_id ? 'placed_group' : attempt.phase
}
