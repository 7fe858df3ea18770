/** What comes after a sale: what a buyer may still say about an order, and what became of it. */
import type { AtMs, Fen, LocalText } from '../base/wire'
import type { ShownCard } from './note-card'

export const FAULTS = ['broken', 'missing', 'wrong', 'stale', 'underweight', 'other'] as const
export type Fault = (typeof FAULTS)[number]
export const GOOD_TAGS = ['tasty', 'fresh', 'good_value', 'well_packed'] as const
export const BAD_TAGS = [
  'too_salty',
  'too_bland',
  'too_spicy',
  'small_portion',
  'not_fresh',
  'poorly_packed',
] as const
export type Tag = (typeof GOOD_TAGS)[number] | (typeof BAD_TAGS)[number]
export const PHOTOS_MAX = 3
export const WORDS_MAX = 300
export const RATING_WORDS_MAX = 200
export const TAGS_MAX = 4
/** How long a rating may change, ms. */
const EDIT_MS = 24 * 3_600_000
/** From this many stars on, praise is offered. */
const GOOD_STARS = 4

export interface Claim {
  id: string
  order_id: string
  line: number
  part: number
  product_id: string
  name: LocalText
  image: string
  units: number
  amount_fen: Fen
  fault: Fault
  words: string
  photos: string[]
  state: 'open' | 'escalated' | 'approved' | 'refused'
  desk: 'rule' | 'leader' | 'store' | 'hq'
  made_at_ms: AtMs
  due_at_ms: AtMs
  decided_at_ms: AtMs | null
  answer: string
}
export interface Rating {
  stars: number
  tags: Tag[]
  words: string
  held: boolean
  rated_at_ms: AtMs
}
/** Units of an item in an order after the sale. */
export interface SoldPart {
  line: number
  part: number
  product_id: string
  name: LocalText
  image: string
  units: number
  amount_fen: Fen
  refunded_fen: Fen
  claim: Claim | null
  rating: Rating | null
}
export interface AfterSale {
  order_id: string
  claim_until_ms: AtMs | null
  rate_until_ms: AtMs | null
  /** On its way back to the buyer. */
  refund_due_fen: Fen
  refunded_fen: Fen
  parts: SoldPart[]
  /** Cooking tips of what was handed over; a server of an earlier version sends none. */
  note_cards?: ShownCard[]
}
/** A claim as those see it who decide. */
export interface DeskClaim {
  claim: Claim
  why: 'small' | 'amount' | 'often' | 'share' | 'slow'
  number: string
  nickname: string
  estate_name: LocalText
  store_id: string
  recent: number
  decided_by: string
  goods: '' | Goods
}
export type Goods = 'nowhere' | 'stock' | 'waste'

export const waits = (claim: Claim | null) => claim?.state === 'open' || claim?.state === 'escalated'

/** The parts of which something may be claimed now: paid for, not given back, and not waiting already. */
export function claimable(sale: AfterSale, at_ms: AtMs): SoldPart[] {
  if (sale.claim_until_ms === null || at_ms > sale.claim_until_ms) return []
  return sale.parts.filter((part) => part.refunded_fen < part.amount_fen && !waits(part.claim))
}

/** The parts that may be rated now, or whose rating may change. */
export function ratable(sale: AfterSale, at_ms: AtMs): SoldPart[] {
  if (sale.rate_until_ms === null || at_ms > sale.rate_until_ms) return []
  return sale.parts.filter((part) => !part.rating || at_ms - part.rating.rated_at_ms <= EDIT_MS)
}

export const tagsFor = (stars: number): readonly Tag[] => (stars >= GOOD_STARS ? GOOD_TAGS : BAD_TAGS)

/** What `units` of a part give back at most: the fen that does not divide goes to the first units. */
export function amountOf(part: SoldPart, units: number): Fen {
  const each = Math.floor(part.amount_fen / part.units)
  const rest = part.amount_fen - each * part.units
  return Math.min(each * units + Math.min(rest, units), part.amount_fen - part.refunded_fen)
}
