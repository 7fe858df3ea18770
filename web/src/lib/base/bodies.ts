/** What HTTP answers carry beside the types of the room protocol. Field names are the wire's own. */
import type { Allergen, FoodInformation } from './food'
import type {
  AtMs,
  Group,
  LiveState,
  LocalText,
  Product,
  Snapshot,
  StoreOrder,
  StoreStock,
  Tick,
} from './wire'

export interface Store {
  id: string
  name: LocalText
  address?: LocalText
  /** Seven days from Monday, or none; an empty one is closed. */
  opening_hours?: string[]
  /** Closed early until then; a time that has passed means nothing. */
  closed_until_ms?: number
}
export interface Estate {
  id: string
  name: LocalText
  store_id?: string
  /** Ids of the stores that serve it, first choice first. */
  store_ids?: string[]
}
export interface Room {
  id: string
  title: LocalText
  brand: { id: string; name: LocalText; confirm_above_fen?: number }
  store: Store
  stores?: Store[]
  estates: Estate[]
  default_estate_id: string | null
  state: LiveState
  /** Only the staff of the brand sees it now. */
  rehearsal?: boolean
  started_at_ms: AtMs | null
  /** The newest recording, null when there is none. */
  replay_live_id?: string | null
  /** The newest clip of each product. */
  clips?: Record<string, { id: string; live_id: string }>
}
/** A part of a recording that shows a product; `product` is null once it is not on sale. */
export interface Clip {
  id: string
  room_id: string
  live_id: string
  product_id: string
  name: LocalText
  image: string
  /** What the host calls it, null: as the product. */
  title: string | null
  hidden: boolean
  edited: boolean
  start_ms: number
  end_ms: number
  product: Product | null
}
export interface Replay {
  live_id: string
  started_at_ms: AtMs
  /** Null while it may still grow. */
  ended_at_ms: AtMs | null
  duration_ms: number
  octets: number
  clips: Clip[]
  /** Of one replay, not in a list. */
  questions?: Answer[]
}
/** A question that the host answered; `start_ms` is its place in the recording, null: it has none. */
export interface Answer {
  id: string
  text: string
  nickname: string
  votes: number
  answered_at_ms: AtMs
  start_ms: number | null
}
/** What the room showed, with its second in the recording. */
export interface Shown {
  s: number
  m: Snapshot | Tick
}
/** Whether the live is recorded; `failure` says why not. */
export interface RecordingStatus {
  wanted: boolean
  recording: boolean
  failure: 'disk-full' | 'disk-error' | 'disk-slow' | 'spool-full' | 'not-h264' | null
  storage_away: boolean
}
export interface LiveSummary {
  room_id: string
  title: LocalText
  store: Store
  state: LiveState
  viewers: number
  started_at_ms: AtMs | null
}
export interface WaitingGroup {
  group: Group
  product_name: LocalText
  orders: number
}
export interface StoreBoard {
  orders: StoreOrder[]
  waiting: WaitingGroup[]
  /** The newest that wait for their group. */
  waiting_orders: StoreOrder[]
  now_ms: AtMs
  /** The cursor of older orders that were handed over. */
  next: string | null
}
/** Where encoders publish by RTMP; `key` and `qr` (an SVG) only in the answer that made the key. */
/** Where the room's lives are pushed, and how that goes; of the key only its end is known. */
export interface Restream {
  address: string | null
  key_end: string | null
  state:
    | 'off'
    | 'idle'
    | 'connecting'
    | 'live'
    | 'not-h264'
    | 'no-such-host'
    | 'private-address'
    | 'not-accepted'
    | 'broke-off'
}
export interface StreamKey {
  address: string
  made_at_ms: AtMs | null
  key?: string
  qr?: string
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
  /** The brand asks for an authenticator, which is to be set up first. */
  totp_needed?: boolean
  room_id: string | null
  store_id: string | null
  /** Those that a leader leads. */
  estate_ids: string[]
}

/** Why no viewer can decode the host's video by WebRTC; with B-frames they watch by HLS, seconds later. */
export type Undecodable = 'no-video' | 'no-key-frame' | 'no-parameter-sets' | 'b-frames'

/** What the host's page reads of the figures of its live. */
export interface LiveStats {
  undecodable: Undecodable | null
}

/** A part of a set meal: units of an item, what they cost alone and of the set's price, and how many are left. */
export interface SetPart {
  product_id: string
  name: LocalText
  unit: LocalText
  image: string
  role: 'main' | 'side' | 'soup' | 'other'
  units: number
  alone_fen: number
  share_fen: number
  left: number
  stores?: StoreStock[]
}

/** All about a product; parts, recipe and minutes are those of a set, allergens also those of its parts. */
export interface ProductDetail {
  product: Product
  parts: SetPart[]
  recipe: LocalText | null
  cooking_minutes: number | null
  food: FoodInformation
  allergens: Allergen[]
  category: LocalText | null
}
