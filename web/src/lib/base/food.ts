/**
 * What the law has a buyer of food know before the purchase (Regulation (EU) 1169/2011, GB 7718), and how it is worded.
 *
 * Its words are here, so that pages load them with the details that show them. Temperatures in degrees Celsius.
 */
import type { LocalText } from './wire'

/** The fourteen of annex II, in its order. */
export const ALLERGENS = {
  gluten: { zh: '含麸质的谷物', en: 'Cereals containing gluten' },
  crustaceans: { zh: '甲壳类', en: 'Crustaceans' },
  eggs: { zh: '蛋类', en: 'Eggs' },
  fish: { zh: '鱼类', en: 'Fish' },
  peanuts: { zh: '花生', en: 'Peanuts' },
  soybeans: { zh: '大豆', en: 'Soybeans' },
  milk: { zh: '乳', en: 'Milk' },
  nuts: { zh: '坚果', en: 'Nuts' },
  celery: { zh: '芹菜', en: 'Celery' },
  mustard: { zh: '芥末', en: 'Mustard' },
  sesame: { zh: '芝麻', en: 'Sesame' },
  sulphites: { zh: '亚硫酸盐', en: 'Sulphites' },
  lupin: { zh: '羽扇豆', en: 'Lupin' },
  molluscs: { zh: '软体动物', en: 'Molluscs' },
} satisfies Record<string, LocalText>
export type Allergen = keyof typeof ALLERGENS

export const STORAGE = {
  ambient: { zh: '常温', en: 'Room temperature' },
  chilled: { zh: '冷藏', en: 'Keep chilled' },
  frozen: { zh: '冷冻', en: 'Keep frozen' },
} satisfies Record<string, LocalText>
export type StorageKind = keyof typeof STORAGE

export const NET_UNITS = {
  g: { zh: '克', en: 'g' },
  ml: { zh: '毫升', en: 'ml' },
  piece: { zh: '件', en: 'pieces' },
} satisfies Record<string, LocalText>
export type NetUnit = keyof typeof NET_UNITS

export interface Storage {
  kind: StorageKind
  min_c: number | null
  max_c: number | null
}
export interface NetContent {
  amount: number
  unit: NetUnit
}
/** Of one product; null is what nobody has stated. */
export interface FoodInformation {
  ingredients: LocalText | null
  allergens: Allergen[]
  shelf_life_days: number | null
  storage: Storage | null
  net: NetContent | null
  origin: LocalText | null
}

export const WORDS = {
  allergens: { zh: '致敏物质', en: 'Contains allergens' },
  ingredients: { zh: '配料', en: 'Ingredients' },
  net: { zh: '净含量', en: 'Net content' },
  shelf_life: { zh: '保质期', en: 'Shelf life' },
  storage: { zh: '储存', en: 'Storage' },
  origin: { zh: '产地', en: 'Origin' },
  category: { zh: '品类', en: 'Category' },
  none: { zh: '门店还没有填写这件商品的资料。', en: 'Nothing is stated about this product yet.' },
} satisfies Record<string, LocalText>

/** 500 g, 1.5 kg, 6 pieces. */
export function netText({ amount, unit }: NetContent): LocalText {
  if (unit === 'piece') return { zh: `${amount} 件`, en: amount === 1 ? '1 piece' : `${amount} pieces` }
  if (amount < 1000) return both(`${amount} ${unit}`)
  return both(`${amount / 1000} ${unit === 'g' ? 'kg' : 'L'}`)
}

/** 冷藏 0–4 °C; at most −18 °C. */
export function storageText({ kind, min_c, max_c }: Storage): LocalText {
  const { zh, en } = STORAGE[kind]
  if (min_c === null && max_c === null) return { zh, en }
  if (min_c !== null && max_c !== null) {
    const range = `${signed(min_c)}–${signed(max_c)} °C`
    return { zh: `${zh} ${range}`, en: `${en} ${range}` }
  }
  if (max_c !== null)
    return { zh: `${zh} ${signed(max_c)} °C 以下`, en: `${en}, at most ${signed(max_c)} °C` }
  return { zh: `${zh} ${signed(min_c!)} °C 以上`, en: `${en}, at least ${signed(min_c!)} °C` }
}

export function daysText(days: number): LocalText {
  if (days >= 60 && days % 30 === 0) return { zh: `${days / 30} 个月`, en: `${days / 30} months` }
  return { zh: `${days} 天`, en: days === 1 ? '1 day' : `${days} days` }
}

export interface Fact {
  key: 'ingredients' | 'net' | 'shelf_life' | 'storage' | 'origin' | 'category'
  name: LocalText
  value: LocalText
}

/** What is stated, one line each, in the order of a label. */
export function factsOf(food: FoodInformation, category: LocalText | null): Fact[] {
  const facts: [Fact['key'], LocalText | null][] = [
    ['ingredients', food.ingredients],
    ['net', food.net && netText(food.net)],
    ['shelf_life', food.shelf_life_days === null ? null : daysText(food.shelf_life_days)],
    ['storage', food.storage && storageText(food.storage)],
    ['origin', food.origin],
    ['category', category],
  ]
  return facts.flatMap(([key, value]) => (value ? [{ key, name: WORDS[key], value }] : []))
}

const both = (value: string): LocalText => ({ zh: value, en: value })
/** With a minus sign, not a hyphen. */
const signed = (celsius: number) => (celsius < 0 ? `−${-celsius}` : String(celsius))
