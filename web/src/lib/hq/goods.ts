/** Goods of a brand, as the head office's interface has them. Amounts in fen, times in UTC ms. */
import type { FoodInformation, Storage, StorageKind } from '../base/food'
import type { GroupOffer, LocalText } from '../base/wire'
import type { Versioned } from './list'

export interface Product extends Versioned {
  kind: 'item' | 'set'
  name: LocalText
  unit: LocalText
  image: string
  price_fen: number
  list_price_fen: number
  group: GroupOffer | null
  own_price: { min_fen: number; max_fen: number } | null
  household_limit: number
  on_sale: boolean
  left: number
  rules: number
  category_id: string
  category_name: LocalText | null
  food: FoodInformation
  /** The product that it is a variant of, empty for none, and what it differs in. */
  variant_of: string
  option: LocalText
  /** How many variants it has. */
  variants: number
  /** Rate of the VAT in its price, in basis points. */
  tax_bp: number
}
/** What is typed about food: empty words are not stated. */
export type FoodDraft = FoodInformation & Record<'ingredients' | 'origin', LocalText>
/** What is sent: a price of 0 stands for none. */
export interface ProductDraft {
  name: LocalText
  unit: LocalText
  price_fen: number
  list_price_fen: number
  group_price_fen: number
  group_target: number
  group_duration_s: number
  own_price_min_fen: number
  own_price_max_fen: number
  household_limit: number
  on_sale: boolean
  category_id: string
  food: FoodDraft
  variant_of: string
  option: LocalText
  tax_bp: number
}

export interface Barcode {
  code: string
  grams_per_unit: number | null
}
export interface Category extends Versioned {
  name: LocalText
  /** Its name after those above it. */
  path: LocalText
  parent_id: string
  /** From 1. */
  depth: number
  rank: number
  products: number
}
export type CategoryDraft = Pick<Category, 'name' | 'parent_id' | 'rank'>

export const SCOPES = ['brand', 'city', 'estate', 'store', 'member', 'live'] as const
export type Scope = (typeof SCOPES)[number]
/** Scopes of the assortment. */
export const ASSORTMENT_SCOPES: readonly Scope[] = ['brand', 'city', 'estate']

export interface Rule extends Versioned {
  product_id: string
  product_name: LocalText
  scope: Scope
  scope_id: string
  scope_name: LocalText
  /** 0 for ever before. */
  from_ms: number
  /** null for ever after. */
  until_ms: number | null
  price_fen: number | null
  offered: boolean | null
}
/** What is sent: `until_ms` of 0 stands for no end. */
export interface RuleDraft {
  product_id: string
  scope: Scope
  scope_id: string
  from_ms: number
  until_ms: number
  price_fen?: number
  offered?: boolean
}

export interface EstatePrice {
  id: string
  name: LocalText
  city_name: LocalText | null
  price_fen: number
  offered: boolean
}
export type Outcome =
  'applies' | 'overridden' | 'superseded' | 'not-yet' | 'ended' | 'out-of-bounds' | 'not-lower'
interface Step {
  rule: {
    id: string
    scope: Scope
    scope_id: string
    window: { from_ms: number; until_ms: number | null }
    price_fen?: number
    offered?: boolean
  }
  outcome: Outcome
}
export interface Explanation {
  offered: boolean
  price_fen: number
  /** Widest scope first; the first one is the product's own price. */
  prices: Step[]
  assortment: Step[]
}

export const LISTS = ['products', 'prices', 'assortment', 'stock'] as const
export type ListName = (typeof LISTS)[number]
export interface ImportReport {
  rows: number
  added: number
  changed: number
  unchanged: number
  done: boolean
  error_count: number
  errors: { row: number; column: string; problem: string; value: string }[]
}

/** A new product's values. */
export function blankProduct(): ProductDraft {
  return {
    name: { zh: '', en: '' },
    unit: { zh: '', en: '' },
    price_fen: 1000,
    list_price_fen: 1000,
    group_price_fen: 0,
    group_target: 10,
    group_duration_s: 1800,
    own_price_min_fen: 0,
    own_price_max_fen: 0,
    household_limit: 20,
    on_sale: true,
    category_id: '',
    food: foodDraftOf(NOTHING_STATED),
    variant_of: '',
    option: { zh: '', en: '' },
    tax_bp: 900,
  }
}

const NOTHING_STATED: FoodInformation = {
  ingredients: null,
  allergens: [],
  shelf_life_days: null,
  storage: null,
  net: null,
  origin: null,
}
function foodDraftOf(food: FoodInformation): FoodDraft {
  return {
    ...food,
    allergens: [...food.allergens],
    ingredients: { ...(food.ingredients ?? { zh: '', en: '' }) },
    origin: { ...(food.origin ?? { zh: '', en: '' }) },
  }
}

/** A kind of storage at the temperature that it usually means. */
export function storageOf(kind: StorageKind): Storage {
  if (kind === 'chilled') return { kind, min_c: 0, max_c: 4 }
  return { kind, min_c: null, max_c: kind === 'frozen' ? -18 : null }
}

/** What can be edited of a product. */
export function draftOf(product: Product): ProductDraft {
  const { group, own_price } = product
  const blank = blankProduct()
  return {
    name: { ...product.name },
    unit: { ...product.unit },
    price_fen: product.price_fen,
    list_price_fen: product.list_price_fen,
    group_price_fen: group?.price_fen ?? 0,
    group_target: group?.target ?? blank.group_target,
    group_duration_s: group?.duration_s ?? blank.group_duration_s,
    own_price_min_fen: own_price?.min_fen ?? 0,
    own_price_max_fen: own_price?.max_fen ?? 0,
    household_limit: product.household_limit,
    on_sale: product.on_sale,
    category_id: product.category_id,
    food: foodDraftOf(product.food),
    variant_of: product.variant_of,
    option: { ...product.option },
    tax_bp: product.tax_bp,
  }
}

/** What can be edited of a rule, and what it is about. */
export function ruleDraftOf(rule: Rule): RuleDraft {
  const { product_id, scope, scope_id, from_ms } = rule
  return {
    product_id,
    scope,
    scope_id,
    from_ms,
    until_ms: rule.until_ms ?? 0,
    ...(rule.price_fen === null ? {} : { price_fen: rule.price_fen }),
    ...(rule.offered === null ? {} : { offered: rule.offered }),
  }
}

/** A time as a `datetime-local` field has it, in the reader's zone; empty for 0. */
export function toLocal(time_ms: number): string {
  if (!time_ms) return ''
  const shifted = new Date(time_ms - new Date(time_ms).getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}

/** The time of a `datetime-local` field, 0 when it is empty. */
export function fromLocal(text: string): number {
  const time_ms = new Date(text).getTime()
  return Number.isNaN(time_ms) ? 0 : time_ms
}
