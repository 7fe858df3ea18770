/** What lies in a warehouse, as the head office's interface has it, and the forms that change it. */
import type { AtMs, LocalText } from '../base/wire'
import { type Checked, type Draft, type Lot, type StockRow, checked } from '../shop/stock'
import type { Transfer } from '../shop/store-desk'

export interface WarehouseProduct {
  product_id: string
  name: LocalText
  unit: LocalText
  units: number
  /** First expired first. */
  lots: Lot[]
}
export interface WarehouseList {
  products: WarehouseProduct[]
  /** What was sent to stores, newest first. */
  transfers: Transfer[]
}
export const WAREHOUSE_CHANGES = ['receive', 'count', 'write_off', 'send'] as const
export type WarehouseChange = (typeof WAREHOUSE_CHANGES)[number]

/** The request that a form stands for, as in a store; `was` is what lies there of the product. */
export function checkedIn(
  change: WarehouseChange,
  draft: Draft,
  product_id: string,
  was: number,
  now_ms: AtMs,
): Checked {
  const row: Pick<StockRow, 'product_id' | 'on_hand'> = { product_id, on_hand: was }
  return checked(change, draft, row, now_ms)
}
