/** What travels between browser and server, and the two codecs that carry it. Field names are the wire's own. */
import { decode, encode } from '@msgpack/msgpack'

export type Locale = 'zh' | 'en'
/** Text in both languages; a bare string is the same in each. */
export type LocalText = { zh: string; en: string } | string
/** Integer 1/100 yuan. */
export type Fen = number
/** UTC milliseconds. */
export type AtMs = number

export type LiveState = 'scheduled' | 'live' | 'paused' | 'over'
export type GroupState = 'open' | 'reached' | 'fulfilling' | 'done' | 'expired' | 'cancelled'
export type OrderState =
  'waiting_group' | 'new' | 'picking' | 'packed' | 'ready' | 'handed_over' | 'cancelled'

export interface Live {
  state: LiveState
  started_at_ms: AtMs | null
}
export interface GroupOffer {
  price_fen: Fen
  target: number
  duration_s: number
}
export interface Product {
  id: string
  name: LocalText
  unit: LocalText
  image: string
  price_fen: Fen
  list_price_fen: Fen
  left: number
  group: GroupOffer | null
}
export interface Card {
  product: Product
  pinned_at_ms: AtMs
  media_time: number | null
}
export interface Group {
  id: string
  product_id: string
  estate_id: string
  joined: number
  target: number
  price_fen: Fen
  state: GroupState
  ends_at_ms: AtMs
}
export interface Store {
  id: string
  name: LocalText
  address?: LocalText
}
export interface Estate {
  id: string
  name: LocalText
  store_id?: string
}
export interface Room {
  id: string
  title: LocalText
  brand: { id: string; name: LocalText }
  store: Store
  estates: Estate[]
  default_estate_id: string | null
  state: LiveState
  started_at_ms: AtMs | null
}
export interface LiveSummary {
  room_id: string
  title: LocalText
  store: Store
  state: LiveState
  viewers: number
  started_at_ms: AtMs | null
}
export interface Order {
  id: string
  number: string | number
  state: OrderState
  product_id: string
  name: LocalText
  image: string
  quantity: number
  total_fen: Fen
  group_id: string | null
  estate_id: string
  store: Store
  created_at_ms: AtMs
  due_at_ms: AtMs | null
  pickup?: { code: string; qr: string } | null
  refunded_fen: Fen
}
export interface StoreOrder extends Order {
  buyer: { nickname: string; estate_name: LocalText }
  handed_over_at_ms: AtMs | null
}
export interface WaitingGroup {
  group: Group
  product_name: LocalText
  orders: number
}
export interface StoreBoard {
  orders: StoreOrder[]
  waiting: WaitingGroup[]
  now_ms: AtMs
}
export interface Guest {
  id: string
  nickname: string
  estate_id: string
}
export interface Staff {
  id: string
  name: string
  roles: string[]
  room_id: string | null
  store_id: string | null
}
export interface ChatLine {
  id: string
  from: { id: string; nickname: string; role: string }
  text: string
  at_ms: AtMs
}
export interface Counters {
  viewers: number
  likes: number
}

/** A numbered event: `o` is its offset in the channel, `k` its kind. */
export type ChannelEvent = { o: number; at_ms: AtMs } & (
  | { k: 'live'; state: LiveState; started_at_ms: AtMs | null }
  | { k: 'pin'; card: Card }
  | { k: 'unpin'; product_id: string }
  | { k: 'stock'; product_id: string; left: number }
  | { k: 'group'; group: Group }
  | { k: 'order'; order: StoreOrder }
)
export interface RoomSnapshot {
  live: Live
  cards: Card[]
  groups: Group[]
  counters: Counters
  chat: ChatLine[]
}
export interface Welcome {
  t: 'welcome'
  client: string
  at_ms: AtMs
  ping_s: number
  recovered: boolean
  you: { subject: string; nickname: string; roles: string[] } | null
}
export interface SnapshotMessage {
  t: 'snapshot'
  epoch: string
  offset: number
  state: Partial<RoomSnapshot>
}
export interface Tick {
  t: 'tick'
  epoch: string
  offset: number
  events?: ChannelEvent[]
  chat?: ChatLine[]
  counters?: Counters
  joins?: string[]
}
export type ServerMessage =
  | Welcome
  | SnapshotMessage
  | Tick
  | { t: 'ack'; cid: string }
  | { t: 'error'; cid?: string; code: string; detail?: string; retry_after_ms?: number }
  | { t: 'pong'; id: number; at_ms: AtMs }
  | { t: 'you'; event: { k: 'order'; order: Order } }
export type ClientMessage =
  | { t: 'hello'; channel: string; token?: string; epoch?: string; offset?: number }
  | { t: 'chat'; cid: string; text: string }
  | { t: 'like'; n: number }
  | { t: 'ping'; id: number }

export const SUBPROTOCOLS = ['linli.v1.msgpack', 'linli.v1.json'] as const

/** Decode one frame; null when it is not a message of this protocol (such frames are ignored). */
export function decodeMessage(data: string | ArrayBuffer | Uint8Array): ServerMessage | null {
  let value: unknown
  try {
    value = typeof data === 'string' ? JSON.parse(data) : decode(data)
  } catch {
    return null
  }
  const known =
    typeof value === 'object' && value !== null && typeof (value as { t?: unknown }).t === 'string'
  return known ? (value as ServerMessage) : null
}

/** Encode for the subprotocol the server chose. */
export function encodeMessage(message: ClientMessage, subprotocol: string): string | Uint8Array<ArrayBuffer> {
  return subprotocol === 'linli.v1.json' ? JSON.stringify(message) : new Uint8Array(encode(message))
}
