/** What an order of several goods, or of sets, is called and made of. */

import type { LocalText, OrderLine } from '../base/wire'

interface WithLines {
  name: LocalText
  quantity: number
  lines?: OrderLine[]
}

/** How many kinds of goods the order has beside the one that it is named after. */
export function otherGoods(order: WithLines): number {
  return Math.max(0, (order.lines?.length ?? 0) - 1)
}

/** Units in all: of an order of one item its lines are empty. */
export function unitsOf(order: WithLines): number {
  if (!order.lines?.length) return order.quantity
  return order.lines.reduce((sum, line) => sum + line.quantity, 0)
}

/** One thing to pick: a line, or a part of the set above it; `units` are those of the whole order. */
export interface Picked {
  key: string
  name: LocalText
  units: number
  part: boolean
}

/** What is in the order beyond its name: nothing for one item, the parts for one set. */
export function contents(order: WithLines): Picked[] {
  const lines = order.lines ?? []
  return lines.flatMap((line) => [
    ...(lines.length > 1
      ? [{ key: line.product_id, name: line.name, units: line.quantity, part: false }]
      : []),
    ...(line.parts ?? []).map((part) => ({
      key: `${line.product_id}/${part.product_id}`,
      name: part.name,
      units: part.units,
      part: true,
    })),
  ])
}
