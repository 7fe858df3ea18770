/** A store's stock as its staff sees it, and the forms that change it. Units are whole; times UTC ms. */
import type { AtMs, Fen, LocalText } from '../base/wire'

export interface Lot {
  id: string
  units: number
  best_before_ms: AtMs | null
  supplier: string
  received_at_ms: AtMs
}
/** On hand = held by open orders + available; `coming` is in transit. */
export interface StockRow {
  product_id: string
  name: LocalText
  unit: LocalText
  image: string
  price_fen: Fen
  on_hand: number
  held: number
  available: number
  coming: number
  lots: Lot[]
  /** What the store may make of its price; null: nothing. */
  own_price: OwnPrice | null
}
/** Bounds, the store's own price (null: that of the head office), and that of the head office. */
export interface OwnPrice {
  min_fen: Fen
  max_fen: Fen
  price_fen: Fen | null
  hq_price_fen: Fen
}
export interface StockList {
  products: StockRow[]
  total: number
  now_ms: AtMs
}

export const CHANGES = ['receive', 'count', 'write_off', 'send'] as const
export type Change = (typeof CHANGES)[number]
export const REASONS = ['damaged', 'expired', 'short_weight', 'returned', 'sent_back'] as const
export type Reason = (typeof REASONS)[number]

/** What is typed into a form, as it is typed. `date` is `YYYY-MM-DD`, `cost` in yuan. */
export interface Draft {
  units: string
  date: string
  supplier: string
  cost: string
  reason: Reason
  lot_id: string
  to_store_id: string
}
export type Field = 'units' | 'date' | 'cost' | 'to'
export type Checked = { path: string; body: Record<string, unknown> } | { wrong: Field }

const UNITS_MAX = 1_000_000
const COST_YUAN_MAX = 1_000_000
/** A lot that must be sold within this time is marked, ms. */
export const SOON_MS = 48 * 3_600_000

export const emptyDraft = (): Draft => ({
  units: '',
  date: '',
  supplier: '',
  cost: '',
  reason: 'damaged',
  lot_id: '',
  to_store_id: '',
})

/** The request that a form stands for, or the field that is wrong. */
export function checked(
  change: Change,
  draft: Draft,
  row: Pick<StockRow, 'product_id' | 'on_hand'>,
  now_ms: AtMs,
): Checked {
  const units = wholeNumber(draft.units)
  if (units === null || units > UNITS_MAX || (units === 0 && change !== 'count')) return { wrong: 'units' }
  const product_id = row.product_id
  if (change === 'count') return { path: 'counts', body: { product_id, units, was: row.on_hand } }
  if (change === 'send') {
    const to_store_id = draft.to_store_id
    return to_store_id ? { path: 'transfers', body: { product_id, units, to_store_id } } : { wrong: 'to' }
  }
  if (change === 'write_off') {
    const lot = draft.lot_id ? { lot_id: draft.lot_id } : {}
    return { path: 'write-offs', body: { product_id, units, reason: draft.reason, ...lot } }
  }
  const best_before_ms = draft.date ? endOfDay(draft.date) : null
  if (Number.isNaN(best_before_ms) || (best_before_ms !== null && best_before_ms <= now_ms))
    return { wrong: 'date' }
  const cost_fen = draft.cost.trim() ? fenOf(draft.cost) : null
  if (Number.isNaN(cost_fen)) return { wrong: 'cost' }
  const supplier = draft.supplier.trim()
  return { path: 'deliveries', body: { product_id, units, best_before_ms, supplier, cost_fen } }
}

/** The price that was typed in yuan, null when the store may not ask that. */
export function priceOf(typed: string, { own_price }: Pick<StockRow, 'own_price'>): Fen | null {
  const fen = fenOf(typed)
  return own_price && fen >= own_price.min_fen && fen <= own_price.max_fen ? fen : null
}

/** The barcode that was scanned or typed, null for other words. */
export function codeOf(words: string): string | null {
  return /^\d{12,13}$/.test(words.trim()) ? words.trim() : null
}

/** Whether a lot can still be sold: for long, not for long, or no more. */
export function freshness(lot: Lot, now_ms: AtMs): 'fresh' | 'soon' | 'expired' {
  if (lot.best_before_ms === null) return 'fresh'
  if (lot.best_before_ms <= now_ms) return 'expired'
  return lot.best_before_ms - now_ms <= SOON_MS ? 'soon' : 'fresh'
}

/** Rows whose name has all of `words`. */
export function matching(rows: StockRow[], words: string): StockRow[] {
  const wanted = words.trim().toLowerCase()
  return rows.filter((row) =>
    [row.product_id, row.name.zh, row.name.en].some((name) => name.toLowerCase().includes(wanted)),
  )
}

/** The list with one row changed. */
export const withRow = (rows: StockRow[], changed: StockRow): StockRow[] =>
  rows.map((row) => (row.product_id === changed.product_id ? changed : row))

/** The last millisecond of a local day, NaN for none. */
function endOfDay(date: string): number {
  const [year = NaN, month = NaN, day = NaN] = date.split('-').map(Number)
  return new Date(year, month - 1, day + 1).getTime() - 1
}

function fenOf(yuan: string): number {
  const typed = /^(\d+)(?:[.．](\d{1,2}))?$/.exec(yuan.trim())
  if (!typed || Number(typed[1]) > COST_YUAN_MAX) return NaN
  return Number(typed[1]) * 100 + Number((typed[2] ?? '').padEnd(2, '0'))
}

function wholeNumber(typed: string): number | null {
  return /^\d{1,7}$/.test(typed.trim()) ? Number(typed) : null
}
