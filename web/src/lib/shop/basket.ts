/** Several goods of the bag as one order: which lines it has, and what it costs. */
import type { PlaceLine } from '../base/api'
import type { BagItem } from './offer'

/** What the one attempt for the whole basket is kept under; no product has such an id. */
export const BASKET = '+basket'
/** Lines in one order; the server takes no more. */
export const LINES_MAX = 20

export interface Basket {
  lines: PlaceLine[]
  /** Units of all lines. */
  count: number
  total_fen: number
}

/** The basket of those `items` that are picked and can be had; in an order of several goods none is bought in a group. */
export function basketOf(items: BagItem[], picked: ReadonlySet<string>): Basket {
  const lines = items
    .filter(({ card, offer }) => picked.has(card.product.id) && offer.left > 0)
    .slice(0, LINES_MAX)
    .map(({ card: { product }, offer }) => ({
      product_id: product.id,
      quantity: offer.quantity,
      price_fen: product.price_fen,
    }))
  return {
    lines,
    count: lines.reduce((sum, line) => sum + line.quantity, 0),
    total_fen: lines.reduce((sum, line) => sum + line.quantity * line.price_fen, 0),
  }
}
