/** Key figures of the head office as text: values in their unit, changes, and what a comparison says. */
import type { LocalText } from '../base/wire'
import type { Locale } from '../base/locale'
import { money } from '../shop/money'

export type Unit = 'fen' | 'share' | 'households'
export interface Comparison {
  pilots: number
  controls: number
  difference: number | null
  low: number | null
  high: number | null
}
export interface Figure {
  id: string
  unit: Unit
  per: 'estate' | 'store'
  words: LocalText
  stated: 'leaders' | 'area_m2' | 'staff_hours' | null
  value: number | null
  part: number
  whole: number
  rows: number
  baseline_month: string
  baseline: number | null
  comparison: Comparison
}
export interface KpiPlan {
  baseline_month: string
  pilots: string[]
  stores: Record<string, { area_m2: number; staff_hours: number }>
}
export interface RampMonth {
  age_months: number
  estates: number
  gmv_fen: number
}
/** What `GET /api/hq/kpi` answers. */
export interface KpiBoard {
  month: string
  made_at_ms: number
  simulated: boolean
  plan: KpiPlan
  level: number
  figures: Figure[]
  ramp: RampMonth[]
}
export interface FigureRow {
  key: string
  name: LocalText
  part: number
  whole: number
  value: number | null
}
/** GMV of an estate in a month, so many months after the one of its first payment. */
export interface RampRow {
  key: string
  name: LocalText
  month: string
  age_months: number
  gmv_fen: number
}
/** What an interval says: that pilots changed more or less than the others, or that it does not tell them apart. */
export type Verdict = 'more' | 'less' | 'unclear' | 'too_few' | 'none'

const CHINA_MS = 8 * 3_600_000
const MONTH_CHARS = 7

/** The month in China, YYYY-MM. */
export const monthOf = (at_ms: number) => new Date(at_ms + CHINA_MS).toISOString().slice(0, MONTH_CHARS)

/** A value in its unit, a dash for none. */
export function valueText(value: number | null, unit: Unit, locale: Locale): string {
  if (value === null) return '–'
  if (unit === 'fen') return money(Math.round(value), locale)
  if (unit === 'share') return `${(value * 100).toFixed(1)}%`
  return value.toFixed(1)
}

/** A difference with its sign; of shares in percentage points, which `points` names. */
export function differenceText(value: number | null, unit: Unit, locale: Locale, points: string): string {
  if (value === null) return '–'
  const sign = value < 0 ? '−' : '+'
  const size = Math.abs(value)
  if (unit === 'share') return `${sign}${(size * 100).toFixed(1)} ${points}`
  return `${sign}${valueText(size, unit, locale)}`
}

/** How a value is from its baseline, in percent of it; null without one. */
export function changePercent({ value, baseline }: Pick<Figure, 'value' | 'baseline'>): number | null {
  if (value === null || baseline === null || baseline === 0) return null
  return Math.round((value / baseline - 1) * 1000) / 10
}

export function verdictOf({ difference, low, high }: Comparison): Verdict {
  if (difference === null) return 'none'
  if (low === null || high === null) return 'too_few'
  if (low > 0) return 'more'
  return high < 0 ? 'less' : 'unclear'
}
