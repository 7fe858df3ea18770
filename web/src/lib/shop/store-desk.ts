/** What else the store's page shows: tills, and flats that neighbours name. */
import type { AtMs } from '../base/wire'

export const TABS = ['live', 'stock', 'orders', 'neighbours'] as const
export type Tab = (typeof TABS)[number]

/** The tab that an address ends in (`#stock`); the orders if it ends in none. */
export const tabOf = (hash: string): Tab => TABS.find((tab) => hash === `#${tab}`) ?? 'orders'

/** A till without a key is revoked. */
export interface Till {
  id: string
  name: string
  made_at_ms: AtMs
  seen_at_ms: AtMs | null
  has_key: boolean
}
/** A till's key, which is shown once. */
export interface TillKey {
  id: string
  name: string
  key: string
}
/** Units on their way to another store; `received_units` is null until they have arrived. */
export interface Transfer {
  id: string
  product_id: string
  from_store_id: string
  to_store_id: string
  units: number
  received_units: number | null
  sent_at_ms: AtMs
  received_at_ms: AtMs | null
}
export interface Neighbour {
  guest_id: string
  nickname: string
  estate_id: string
  building: string
  flat: string
  state: 'waiting' | 'confirmed' | 'refused'
  /** Of a phone number that the neighbour has proved. */
  last_four: string | null
}
