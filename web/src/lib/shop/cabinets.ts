/** Cold cabinets of a store, as its staff sees them. */
import type { CabinetAlarm } from '../base/wire'

/** Kinds of storage that cabinets are for, with the temperatures that are right, °C. */
export const STORAGES = { chilled: [0, 4], frozen: [-25, -15] } as const
export type CabinetStorage = keyof typeof STORAGES

export interface Cabinet {
  id: string
  name: string
  storage: string
  low_tenths: number
  high_tenths: number
  seen_at_ms: number | null
  celsius_tenths: number | null
  door_open: boolean | null
  powered: boolean | null
  alarm: CabinetAlarm | null
  alarm_since_ms: number | null
}
export interface Cabinets {
  cabinets: Cabinet[]
  /** Lots that lay there during an alarm. */
  marks: { lot_id: string; product_id: string; units: number; until_ms: number | null }[]
}

/** `−1.5 °C`, a dash for none. */
export function celsius(tenths: number | null): string {
  if (tenths === null) return '–'
  return `${(tenths / 10).toFixed(1).replace('-', '−')} °C`
}

/** Those in alarm, the longest first. */
export const alarmed = (cabinets: Cabinet[]) =>
  cabinets
    .filter(({ alarm }) => alarm !== null)
    .sort((a, b) => (a.alarm_since_ms ?? 0) - (b.alarm_since_ms ?? 0))
