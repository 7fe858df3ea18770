/** The room as a pure reducer: `apply(snapshot, ticks)` equals what a fresh snapshot would say. */
import {
  CARDS_MAX,
  CHAT_LINES_MAX,
  GROUPS_MAX,
  type Card,
  type ChannelEvent,
  type ChatLine,
  type Group,
  type Product,
  type RoomState,
  type Snapshot,
  type StockChanged,
  type Tick,
} from '../base/wire'
import { reduceActivity } from './activities'

const CLOSED = new Set(['done', 'expired', 'cancelled'])

export const EMPTY_ROOM: RoomState = {
  live: { state: 'scheduled', started_at_ms: null },
  cards: [],
  groups: [],
  poll: null,
  questions: [],
  notice: null,
  flash: null,
  coupons: null,
  upcoming: [],
  draw: null,
  chat_rules: { version: 0, slow_s: 0, members_only: false, removed_lines: [], removed_senders: [] },
  shelf: { count: 0, changed_at_ms: 0, explaining: null, since_ms: null },
  next_room: null,
  counters: { viewers: 0, likes: 0 },
  chat: [],
}

/** The state a snapshot stands for; absent fields are empty. */
function fromSnapshot(state: Partial<RoomState>): RoomState {
  return { ...EMPTY_ROOM, ...state }
}

/** The state after one numbered event. Kinds this page does not know change nothing. */
function applyEvent(state: RoomState, event: ChannelEvent): RoomState {
  switch (event.k) {
    case 'live':
      return withLive(state, { state: event.state, started_at_ms: event.started_at_ms })
    case 'pin':
      return {
        ...state,
        cards: [event.card, ...without(state.cards, event.card.product.id)].slice(0, CARDS_MAX),
      }
    case 'unpin':
      return { ...state, cards: without(state.cards, event.product_id) }
    case 'stock':
      return {
        ...state,
        cards: state.cards.map((card) => ({ ...card, product: withStock(card.product, event) })),
      }
    case 'group':
      return { ...state, groups: withGroup(state.groups, event.group) }
    default:
      return reduceActivity(state, event)
  }
}

/** The state after a tick: its numbered events in order, then chat and counters. */
export function applyTick(state: RoomState, tick: Tick): RoomState {
  let next = (tick.events ?? []).reduce(applyEvent, state)
  if (tick.counters) next = { ...next, counters: tick.counters }
  if (tick.chat?.length) next = { ...next, chat: withChat(next.chat, tick.chat) }
  return next
}

/** The reducer: a snapshot replaces everything, a tick changes it. */
export function reduce(state: RoomState, message: Snapshot | Tick): RoomState {
  return message.t === 'snapshot' ? fromSnapshot(message.state) : applyTick(state, message)
}

/** The group this household would join for a product: the open one, else the latest of its estate. */
export function groupFor(groups: Group[], productId: string, estateId: string | null): Group | null {
  const own = groups.filter((group) => group.product_id === productId && group.estate_id === estateId)
  return own.find((group) => group.state === 'open') ?? own.at(-1) ?? null
}

/** Whether a tap may still join, and pays the group's price: as the gate sees it (commerce/groups/group.py). */
export function isJoinable(group: Group, atMs: number): boolean {
  return ['open', 'reached', 'fulfilling'].includes(group.state) && group.ends_at_ms > atMs
}

/** Where the live stands; a new one begins with no likes and its own chat. */
function withLive(state: RoomState, live: RoomState['live']): RoomState {
  const since_ms = live.started_at_ms
  if (since_ms === null || since_ms === state.live.started_at_ms) return { ...state, live }
  return {
    ...state,
    live,
    counters: { ...state.counters, likes: 0 },
    chat: state.chat.filter((line) => line.at_ms >= since_ms),
  }
}

function without(cards: Card[], productId: string): Card[] {
  return cards.filter((card) => card.product.id !== productId)
}

/** The product itself, or a variant on its card. */
function withStock<P extends Product>(product: P, event: StockChanged): P {
  const { product_id, left, stores } = event
  if (product.id === product_id) return { ...product, left, stores }
  const { variants } = product
  return variants ? { ...product, variants: variants.map((one) => withStock(one, event)) } : product
}

function withGroup(groups: Group[], group: Group): Group[] {
  const known = groups.some((other) => other.id === group.id)
  if (known) return groups.map((other) => (other.id === group.id ? group : other))
  if (groups.length < GROUPS_MAX) return [...groups, group]
  // Full: the first that is over makes room, or else the first of all.
  const over = Math.max(
    0,
    groups.findIndex((other) => CLOSED.has(other.state)),
  )
  return [...groups.filter((_, index) => index !== over), group]
}

function withChat(chat: ChatLine[], lines: ChatLine[]): ChatLine[] {
  const known = new Set(chat.map((line) => line.id))
  return [...chat, ...lines.filter((line) => !known.has(line.id))].slice(-CHAT_LINES_MAX)
}
