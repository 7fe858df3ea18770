/**
 * The room protocol (docs/protocol.md): messages, events and what they carry.
 *
 * Generated from Python's definitions; do not edit, run
 * python -m server.ws.schema > web/src/lib/base/wire.ts
 */

/** Integer 1/100 yuan. */
export type Fen = number
/** UTC milliseconds. */
export type AtMs = number

export type LiveState = 'scheduled' | 'live' | 'paused' | 'over'

export type GroupState = 'open' | 'reached' | 'fulfilling' | 'done' | 'expired' | 'cancelled'

export type OrderState =
  | 'waiting_payment'
  | 'waiting_group'
  | 'new'
  | 'picking'
  | 'packed'
  | 'ready'
  | 'out'
  | 'handed_over'
  | 'delivered'
  | 'returned'
  | 'cancelled'
  | 'expired'

export type PickState = 'found' | 'short' | 'offered' | 'substituted'

export type Fulfilment = 'pickup' | 'delivery'

export type PaymentActionKind = 'jsapi' | 'qr' | 'redirect' | 'none'

export type ProductKind = 'item' | 'set'

export type CabinetAlarm = 'no_power' | 'too_warm' | 'too_cold' | 'door_open'

export type DrawState = 'open' | 'closed' | 'revealed' | 'void'

export type VoidReason = 'host' | 'no-entries' | 'seed-lost'

export type SanctionKind = 'mute' | 'ban'

export type ErrorCode =
  | 'bad-message'
  | 'unknown-type'
  | 'hello-again'
  | 'too-fast'
  | 'text-empty'
  | 'text-too-long'
  | 'token-needed'
  | 'forbidden'
  | 'muted'
  | 'members-only'
  | 'text-refused'
  | 'held'
  | 'room-busy'

/** The first message: channel, token, and the position after a reconnect. */
export interface Hello {
  t: 'hello'
  channel: string
  token?: string | null
  epoch?: string | null
  offset?: number | null
}

/** A chat line for everybody in the room. */
export interface Chat {
  t: 'chat'
  cid: string
  text: string
}

/** Likes since the last such message. */
export interface Like {
  t: 'like'
  n: number
}

/** Measures the round trip and the server's clock. */
export interface Ping {
  t: 'ping'
  id: number
}

export type ClientMessage = Hello | Chat | Like | Ping

/** Who the token names. */
export interface Identity {
  subject: string
  nickname: string
  roles: string[]
}

/** The answer to `hello`. */
export interface Welcome {
  t: 'welcome'
  client: string
  at_ms: AtMs
  ping_s: number
  recovered: boolean
  you: Identity | null
}

/** The wire form of the room's live: where it stands, and since when it is on air. */
export interface Live {
  state: LiveState
  started_at_ms: AtMs | null
}

/** Text in both languages. */
export interface LocalText {
  zh: string
  en: string
}

/** The terms on which a group may buy a product. */
export interface GroupOffer {
  price_fen: Fen
  target: number
  duration_s: number
}

/** Units of a product that are left in a store. */
export interface StoreStock {
  store_id: string
  left: number
}

/** What an estate is offered where it is not what all others are. */
export interface EstateOffer {
  estate_id: string
  price_fen: Fen
  offered: boolean
  member_fen?: Fen
}

/** A product as viewers see it; `left` is the stock at the time of the message. `stores` are those that have some; `GET /api/rooms/{room}` says which of them serve an estate. `price_fen`, `offered` and `member_fen`, what members pay, are for the estates that are not in `offers`. `option` is what it differs in from the others of its card. */
export interface Variant {
  id: string
  name: LocalText
  unit: LocalText
  image: string
  price_fen: Fen
  list_price_fen: Fen
  left: number
  group: GroupOffer | null
  stores?: StoreStock[]
  offered?: boolean
  offers?: EstateOffer[]
  kind?: ProductKind
  member_fen?: Fen
  option?: LocalText
}

/** A product with those that are offered on the same card. */
export interface Product {
  id: string
  name: LocalText
  unit: LocalText
  image: string
  price_fen: Fen
  list_price_fen: Fen
  left: number
  group: GroupOffer | null
  stores?: StoreStock[]
  offered?: boolean
  offers?: EstateOffer[]
  kind?: ProductKind
  member_fen?: Fen
  option?: LocalText
  variants?: Variant[]
}

/** A pinned product; `media_time` is the RTP time (90 kHz, 32 bits) of its video frame. */
export interface Card {
  product: Product
  pinned_at_ms: AtMs
  media_time: number | null
}

/** From `joined` neighbours on, all of them pay `price_fen` for a unit. */
export interface PriceStep {
  joined: number
  price_fen: Fen
}

/** One household's `invites` neighbours who pay lower everybody's price by `off_fen`, once. */
export interface GroupAward {
  invites: number
  off_fen: Fen
  given: boolean
}

/** One estate's group buy of one product; `price_fen` is what a unit costs who joins now. */
export interface Group {
  id: string
  product_id: string
  estate_id: string
  joined: number
  target: number
  price_fen: Fen
  state: GroupState
  ends_at_ms: AtMs
  steps?: PriceStep[]
  award?: GroupAward
}

/** A poll with the votes of each option; open until `closes_at_ms`. */
export interface Poll {
  id: string
  question: string
  options: string[]
  votes: number[]
  closes_at_ms: AtMs
}

/** A neighbour's question to the host. */
export interface Question {
  id: string
  text: string
  nickname: string
  votes: number
  asked_at_ms: AtMs
  answered_at_ms: AtMs | null
}

/** Coupons for whoever taps first: an amount off, or per cent with a cap. */
export interface CouponRelease {
  id: string
  name: LocalText
  amount_fen: Fen
  percent: number
  cap_fen: Fen
  minimum_fen: Fen
  pieces: number
  left: number
  closes_at_ms: AtMs
}

/** A product of a teaser; `price_fen` is that of estates without a price of their own. */
export interface TeaserGood {
  id: string
  name: LocalText
  unit: LocalText
  image: string
  price_fen: Fen
}

/** A scheduled live with what it is about; `teaser` may be empty. */
export interface Teaser {
  id: string
  title: string
  teaser: string
  starts_at_ms: AtMs
  goods: TeaserGood[]
}

/** A draw: the prize, the task, and what is published of it so far. `winning` are the tickets that won, the first prize first, and `nicknames` whose they are. */
export interface Draw {
  id: string
  product_id: string
  name: LocalText
  image: string
  winners: number
  word: string
  estate_id: string
  stay: boolean
  state: DrawState
  entries: number
  opened_at_ms: AtMs
  closes_at_ms: AtMs
  ended_at_ms: AtMs | null
  void_reason: VoidReason | null
  commitment: string
  entries_hash: string | null
  seed: string | null
  winning: string[]
  nicknames: string[]
}

/** All lines of this sender until then are removed. */
export interface RemovedSender {
  id: string
  until_ms: number
}

/** What holds in the chat: guests wait `slow_s` between lines; `version` grows with each change. `members_only`: of guests only those write whose household is confirmed. */
export interface ChatRules {
  version: number
  slow_s: number
  members_only: boolean
  removed_lines: string[]
  removed_senders: RemovedSender[]
}

/** A flash sale; times are the server's clock, `left` the units that anybody may still take. `served` is the last place of the waiting list that was offered a unit. */
export interface Flash {
  id: string
  product_id: string
  price_fen: Fen
  before_fen: Fen
  units: number
  left: number
  household_limit: number
  starts_at_ms: AtMs
  ends_at_ms: AtMs
  served: number
}

/** How many goods the room lists since when, and which one the host explains now. */
export interface Shelf {
  count: number
  changed_at_ms: AtMs
  explaining: string | null
  since_ms: number | null
}

/** A live of the same brand; after `until_ms` nobody is led there any more. */
export interface NextRoom {
  room_id: string
  title: LocalText
  store: LocalText
  until_ms: number
}

/** Absolute values: viewers now, likes since the live began. */
export interface Counters {
  viewers: number
  likes: number
}

/** Who wrote a line: `role` is guest, host, moderator or store. */
export interface Sender {
  id: string
  nickname: string
  role: string
}

/** One line of chat; ids are unique in the room. */
export interface ChatLine {
  id: string
  from: Sender
  text: string
  at_ms: AtMs
}

/** The state of a room: cards newest pin first, groups and chat oldest first. */
export interface RoomState {
  live: Live
  cards: Card[]
  groups: Group[]
  poll: Poll | null
  questions: Question[]
  notice: string | null
  coupons: CouponRelease | null
  upcoming: Teaser[]
  draw: Draw | null
  chat_rules: ChatRules
  flash: Flash | null
  shelf: Shelf
  next_room: NextRoom | null
  counters: Counters
  chat: ChatLine[]
}

/** Staff's channels have no state: board and wall are fetched over HTTP at every snapshot. */
export type StoreState = Record<string, never>

/** Replaces the whole state of a channel. */
export interface Snapshot {
  t: 'snapshot'
  epoch: string
  offset: number
  state: RoomState | StoreState
}

/** The live started, paused, resumed or ended. */
export interface LiveChanged {
  k: 'live'
  o: number
  at_ms: AtMs
  media_time: number | null
  state: LiveState
  started_at_ms: AtMs | null
}

/** A product was pinned; pinned again, it moves to the front. */
export interface CardPinned {
  k: 'pin'
  o: number
  at_ms: AtMs
  media_time: number | null
  card: Card
}

/** A product was unpinned. */
export interface CardUnpinned {
  k: 'unpin'
  o: number
  at_ms: AtMs
  media_time: number | null
  product_id: string
}

/** The stock of a product changed; stores that are left out have none. */
export interface StockChanged {
  k: 'stock'
  o: number
  at_ms: AtMs
  media_time: number | null
  product_id: string
  left: number
  stores: StoreStock[]
}

/** A group opened, grew, or changed its state; carries the whole group. */
export interface GroupChanged {
  k: 'group'
  o: number
  at_ms: AtMs
  media_time: number | null
  group: Group
}

/** Where an order is handed over. */
export interface StoreRef {
  id: string
  name: LocalText
  address: LocalText
}

/** Units of an item in a line of sets, and its share of the line's total. */
export interface OrderPart {
  product_id: string
  name: LocalText
  image: string
  units: number
  share_fen: Fen
}

/** A line of an order; of a set with its parts. */
export interface OrderLine {
  product_id: string
  name: LocalText
  image: string
  quantity: number
  total_fen: Fen
  parts?: OrderPart[]
}

/** What is offered, or was taken, for units that were not found. */
export interface Substitute {
  product_id: string
  name: LocalText
  image: string
}

/** What a packer found of a part of a line; while offered, the buyer may answer. */
export interface OrderPick {
  line: number
  part: number
  product_id: string
  name: LocalText
  state: PickState
  missing_units: number
  substitute: Substitute | null
  answer_by_ms: number | null
}

/** When the buyer gets an order. */
export interface Promised {
  from_ms: number
  until_ms: number
}

/** The name that the store calls out. */
export interface Buyer {
  nickname: string
  estate_name: LocalText
}

/** An order as its store sees it: the buyer's name, never the pickup code. `bag` is its number in its wave, `slot` where the bag stands, `wave` that of its presale, of an order that is in no group. */
export interface StoreOrder {
  id: string
  number: string
  state: OrderState
  product_id: string
  name: LocalText
  image: string
  quantity: number
  total_fen: Fen
  group_id: string | null
  estate_id: string
  store: StoreRef
  created_at_ms: AtMs
  due_at_ms: AtMs | null
  refunded_fen: Fen
  lines?: OrderLine[]
  picks?: OrderPick[]
  promised?: Promised
  fulfilment?: Fulfilment
  discount_fen?: Fen
  consent_by_ms?: number
  buyer: Buyer
  handed_over_at_ms: AtMs | null
  bag?: number
  slot?: string
  wave?: string
}

/** An order reached its store or changed its state (store channels only). */
export interface OrderChanged {
  k: 'order'
  o: number
  at_ms: AtMs
  order: StoreOrder
}

/** An order as its estate's leaders are shown it: no name, no goods. */
export interface LedOrder {
  order_id: string
  number: string
  state: OrderState
}

/** Orders of an estate changed their states together (channels of estates only). */
export interface LedOrdersChanged {
  k: 'led_orders'
  o: number
  at_ms: AtMs
  orders: LedOrder[]
}

/** A poll opened, was voted in or ended; null: there is none. */
export interface PollChanged {
  k: 'poll'
  o: number
  at_ms: AtMs
  poll: Poll | null
}

/** The questions as they are listed now, the next one to answer first. */
export interface QuestionsChanged {
  k: 'questions'
  o: number
  at_ms: AtMs
  questions: Question[]
}

/** The text that the host pinned to the room; null: there is none. */
export interface NoticeChanged {
  k: 'notice'
  o: number
  at_ms: AtMs
  text: string | null
}

/** A flash sale was announced, sold units or ended; null: the room shows none. */
export interface FlashChanged {
  k: 'flash'
  o: number
  at_ms: AtMs
  flash: Flash | null
}

/** Coupons were released, claimed or ended; null: there are none. */
export interface CouponsChanged {
  k: 'coupons'
  o: number
  at_ms: AtMs
  release: CouponRelease | null
}

/** The lives that the room shows of its schedule now, the next one first. */
export interface UpcomingChanged {
  k: 'upcoming'
  o: number
  at_ms: AtMs
  lives: Teaser[]
}

/** A draw opened, was entered, closed, was revealed or void; null: there is none. */
export interface DrawChanged {
  k: 'draw'
  o: number
  at_ms: AtMs
  draw: Draw | null
}

/** Settings changed or lines were removed; carries all that holds now. */
export interface ChatRulesChanged {
  k: 'chat_rules'
  o: number
  at_ms: AtMs
  chat_rules: ChatRules
}

/** The list was changed, or an explanation began or ended. */
export interface ShelfChanged {
  k: 'shelf'
  o: number
  at_ms: AtMs
  shelf: Shelf
}

/** The host leads the audience to another room; null: no longer. */
export interface NextRoomChanged {
  k: 'next_room'
  o: number
  at_ms: AtMs
  next_room: NextRoom | null
}

/** The figures; `orders_by_minute` ends with this minute, `bucket` is of ten minutes. */
export interface WallFigures {
  day: string
  gmv_fen: Fen
  paid_fen: Fen
  refunded_fen: Fen
  orders: number
  units: number
  refunds: number
  orders_by_minute: number[]
  bucket: number
  bucket_gmv_fen: Fen
  last_week_gmv_fen: Fen | null
  open_orders: number
  late_orders: number
  packed: number
  packed_on_time: number
  groups_open: number
  groups_reached: number
  groups_expiring: number
  groups_reached_today: number
  groups_expired_today: number
}

/** An estate's day: what was paid, less what went back, and groups that go on. */
export interface WallEstate {
  id: string
  gmv_fen: Fen
  orders: number
  refunded_fen: Fen
  groups: number
}

/** A live, with what was sold in its room today. */
export interface WallLive {
  room_id: string
  title: LocalText
  store_id: string
  state: LiveState
  started_at_ms: AtMs | null
  viewers: number
  orders: number
  gmv_fen: Fen
}

/** When a source was read last. */
export interface WallSource {
  name: string
  at_ms: AtMs
}

/** Ratings that buyers gave today, and their stars in all. */
export interface WallRatings {
  count: number
  stars: number
}

/** Cold cabinets, how many are in alarm, and how many of those for their temperature. */
export interface WallCabinets {
  count: number
  alarms: number
  out_of_range: number
}

/** The wall at a moment: figures whole, estates and lives only those that changed. `stock_outs` are (product, store) pairs on sale with nothing left. */
export interface WallChanged {
  k: 'wall'
  o: number
  at_ms: AtMs
  made_at_ms: AtMs
  behind: number
  figures: WallFigures
  stock_outs: number
  estates: WallEstate[]
  lives: WallLive[]
  sources: WallSource[]
  ratings: WallRatings
  cabinets: WallCabinets
}

/** A cabinet's alarm began, changed or is over (null); store channels only. */
export interface CabinetChanged {
  k: 'cabinet'
  o: number
  at_ms: AtMs
  id: string
  name: string
  alarm: CabinetAlarm | null
  since_ms: number | null
  celsius_tenths: number | null
}

export type ChannelEvent =
  | LiveChanged
  | CardPinned
  | CardUnpinned
  | StockChanged
  | GroupChanged
  | OrderChanged
  | LedOrdersChanged
  | PollChanged
  | QuestionsChanged
  | NoticeChanged
  | FlashChanged
  | CouponsChanged
  | UpcomingChanged
  | DrawChanged
  | ChatRulesChanged
  | ShelfChanged
  | NextRoomChanged
  | WallChanged
  | CabinetChanged

/** A household joined a group or placed an order: `kind` is group or order. `name` is the masked name, "" of one that has none; `others` is how many more purchases there were in the room since the one that was shown before. */
export interface Purchase {
  kind: string
  name: string
  product_id: string
  others: number
}

/** The changes of a channel since the last tick; `offset` is that of its last event. */
export interface Tick {
  t: 'tick'
  epoch: string
  offset: number
  events?: ChannelEvent[]
  chat?: ChatLine[]
  counters?: Counters
  joins?: string[]
  purchase?: Purchase
}

/** A chat line was accepted. */
export interface Ack {
  t: 'ack'
  cid: string
}

/** A message was refused. */
export interface ErrorMessage {
  t: 'error'
  code: ErrorCode
  detail: string
  cid?: string
  retry_after_ms?: number
}

/** The answer to `ping`. */
export interface Pong {
  t: 'pong'
  id: number
  at_ms: AtMs
}

/** What the buyer shows at pickup: `qr` is an SVG as data: URI, `slot` where the bag stands. */
export interface Pickup {
  code: string
  qr: string
  slot?: string
}

/** A parameter of the call that the buyer's page makes. */
export interface ActionParameter {
  name: string
  value: string
}

/** What the buyer's page does next: shows `qr`, goes to `url`, or calls WeixinJSBridge. */
export interface PaymentAction {
  kind: PaymentActionKind
  url: string
  qr: string
  parameters: ActionParameter[]
}

/** Until when and at which provider an order may be paid. */
export interface Payment {
  expires_at_ms: AtMs
  provider: string
  action: PaymentAction | null
}

/** An order as its buyer sees it; `group` is its group as of the message. `payment` is there while it waits to be paid. */
export interface Order {
  id: string
  number: string
  state: OrderState
  product_id: string
  name: LocalText
  image: string
  quantity: number
  total_fen: Fen
  group_id: string | null
  estate_id: string
  store: StoreRef
  created_at_ms: AtMs
  due_at_ms: AtMs | null
  refunded_fen: Fen
  lines?: OrderLine[]
  picks?: OrderPick[]
  promised?: Promised
  fulfilment?: Fulfilment
  discount_fen?: Fen
  consent_by_ms?: number
  pickup: Pickup | null
  group: Group | null
  payment?: Payment
}

/** An order of this user was placed or changed its state. `media_time` is that of the live in whose room it was placed, as events have it. */
export interface YourOrder {
  k: 'order'
  media_time: number | null
  order: Order
}

/** A mute or ban of this user; without an end it holds until it is lifted. */
export interface Restriction {
  id: string
  kind: SanctionKind
  reason: string
  until_ms: number | null
}

/** What holds against this user in the room of the connection; null: nothing any more. `moderator`: the host has made the user a moderator of it. `cohost`: the user has accepted the host's invitation, and may do what a co-host may until it is false. */
export interface YourStanding {
  k: 'standing'
  sanction: Restriction | null
  moderator: boolean
  cohost: boolean
}

export type PrivateEvent = YourOrder | YourStanding

/** A private event of this user. */
export interface You {
  t: 'you'
  event: PrivateEvent
}

export type ServerMessage = Welcome | Snapshot | Tick | Ack | ErrorMessage | Pong | You

export const SUBPROTOCOLS = ['linli.v1.msgpack', 'linli.v1.json'] as const
export const CARDS_MAX = 20
export const GROUPS_MAX = 200
export const CHAT_LINES_MAX = 50

/** Why a connection ends; below 3500 the client reconnects. */
export const CloseCode = {
  BYE: 1000,
  GOING_AWAY: 1001,
  NOT_WEBSOCKET: 1002,
  TOO_BIG: 1009,
  FAILED: 1011,
  HELLO_LATE: 3001,
  SLOW: 3008,
  SILENT: 3009,
  DRAINING: 3012,
  UNAVAILABLE: 3013,
  BAD_MESSAGE: 3500,
  UNAUTHORISED: 3501,
  FORBIDDEN: 3502,
  NO_SUCH_CHANNEL: 3503,
  TOO_MANY_CONNECTIONS: 3504,
  TOO_MANY_MESSAGES: 3505,
  BANNED: 3506,
  REHEARSAL: 3507,
} as const
