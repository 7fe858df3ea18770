/** Several goods of the bag as one order: which lines it has, and what it costs. */
import type { PlaceLine } from '../base/api'
import type { AtMs, Fen, Flash, LocalText } from '../base/wire'
import { flashPhase } from '../room/flash'
import type { BagItem } from './offer'
import type { Attempt } from './order-desk'

/** What the one attempt for the whole basket is kept under; no product has such an id. */
export const BASKET = '+basket'
/** Lines in one order; the server takes no more. */
export const LINES_MAX = 20

export interface Basket {
  lines: PlaceLine[]
  /** Units of all lines. */
  count: number
  total_fen: number
  /** The line of the product in the flash sale, and what it costs there; null where it has the usual price. */
  flash: { name: LocalText; price_fen: Fen | null } | null
}

/**
 * The basket of those `items` that are picked and can be had; in an order of several goods none is bought in a group.
 * `spent` is a flash sale that gives this household nothing more.
 */
export function basketOf(
  items: BagItem[],
  picked: ReadonlySet<string>,
  sale: Flash | null = null,
  at_ms: AtMs = 0,
  spent: string | null = null,
): Basket {
  const phase = flashPhase(sale, at_ms)
  let flash: Basket['flash'] = null
  const lines = items
    .filter(({ card, offer }) => picked.has(card.product.id) && offer.left > 0)
    .slice(0, LINES_MAX)
    .map(({ card: { product }, offer: { quantity } }) => {
      let { price_fen } = product
      if (sale?.product_id === product.id && (phase === 'running' || phase === 'sold_out')) {
        const most = sale.id === spent ? 0 : Math.min(sale.household_limit, sale.left)
        const isSold = quantity <= most && sale.price_fen < price_fen
        flash = { name: product.name, price_fen: isSold ? sale.price_fen : null }
        if (isSold) price_fen = sale.price_fen
      }
      return { product_id: product.id, quantity, price_fen }
    })
  return {
    lines,
    count: lines.reduce((sum, line) => sum + line.quantity, 0),
    total_fen: lines.reduce((sum, line) => sum + line.quantity * line.price_fen, 0),
    flash,
  }
}

/** Whether `sale` gives this household nothing more, as its latest attempts say. */
export function isSpent(sale: Flash, attempts: Iterable<Attempt>): boolean {
  return [...attempts].some(({ phase, order }) => {
    const line = order.lines?.find(
      ({ product_id, price_fen }) => product_id === sale.product_id && price_fen === sale.price_fen,
    )
    if (!line && order.flash_id !== sale.id) return false
    const units = line?.quantity ?? order.quantity
    return (
      phase === 'limit' || phase === 'flash_gone' || (phase === 'placed' && units >= sale.household_limit)
    )
  })
}
