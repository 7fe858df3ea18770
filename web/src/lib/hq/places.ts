/** Places of a brand, as the head office's interface has them. */
import type { LocalText } from '../base/wire'
import type { Versioned } from './list'
import type { LatLon } from './projection'

export interface City extends Versioned {
  name: LocalText
  estates: number
}
export interface Estate extends Versioned, LatLon {
  name: LocalText
  rings: number
  cells: string[]
  city_id: string
  city_name: LocalText | null
  /** Best first. */
  stores: string[]
  store_name: LocalText
  /** A name of the IANA database. */
  time_zone: string
}
export interface Warehouse extends Versioned, LatLon {
  name: LocalText
  address: LocalText
}
export interface Store extends Warehouse {
  /** Seven days from Monday, or none; an empty one is closed. */
  opening_hours: string[]
  /** -1 where slots are not counted. */
  packers: number
  orders_per_packer_hour: number
  delivers: boolean
  estates: number
}
export interface MapPlace extends LatLon {
  id: string
  name: LocalText
  city_id: string
  store_id: string
  /** Corners of an estate's cells: latitude, longitude. */
  outline: [number, number][]
}
export interface PlaceMap {
  estates: MapPlace[]
  stores: MapPlace[]
  warehouses: MapPlace[]
}
export interface Brand extends Versioned {
  name: LocalText
  confirm_above_fen: number
  units_per_address: number
  units_per_device: number
  seats_per_device: number
  recording_days: number
  recording_gib: number
  phone_needed: boolean
  totp_needed: boolean
  member_prices: boolean
  split_orders: boolean
  store_presales: boolean
}

/** What an edit sends: the members of `draft` that are not as they were. */
export function changed<Draft extends object>(before: Draft, draft: Draft): Partial<Draft> {
  const entries = Object.entries(draft).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof Draft]),
  )
  return Object.fromEntries(entries) as Partial<Draft>
}
