/** The parts of an order that a packer finds, or not; numbered as commerce/after_sales/refunds.py numbers them. */
import type { LocalText, OrderPick, StoreOrder } from '../base/wire'

/** Units of one item in a line; an item is its own only part. */
export interface Part {
  line: number
  part: number
  product_id: string
  name: LocalText
  units: number
  pick: OrderPick | null
}

export function partsOf(
  order: Pick<StoreOrder, 'product_id' | 'name' | 'quantity' | 'lines' | 'picks'>,
): Part[] {
  const lines = order.lines ?? []
  const whole = { product_id: order.product_id, name: order.name, quantity: order.quantity, parts: [] }
  const parts = (lines.length > 0 ? lines : [whole]).flatMap((one, line) =>
    (one.parts ?? []).length > 0
      ? one.parts!.map(({ product_id, name, units }, part) => ({ line, part, product_id, name, units }))
      : [{ line, part: 0, product_id: one.product_id, name: one.name, units: one.quantity }],
  )
  const noted = (line: number, part: number) =>
    order.picks?.find((pick) => pick.line === line && pick.part === part) ?? null
  return parts.map((one) => ({ ...one, pick: noted(one.line, one.part) }))
}

/** Nothing more can be noted of it. */
export const isSettled = ({ pick }: Part) =>
  pick !== null && ['short', 'offered', 'substituted'].includes(pick.state)

/** What a buyer did not get as ordered: paid back, or replaced. */
export const settledPicks = (picks: OrderPick[] | undefined) =>
  (picks ?? []).filter(({ state }) => state === 'short' || state === 'substituted')

/** Offers that wait for the buyer's answer. */
export const openOffers = (picks: OrderPick[] | undefined, at_ms: number) =>
  (picks ?? []).filter(({ state, answer_by_ms }) => state === 'offered' && (answer_by_ms ?? 0) > at_ms)
