/** What a unit costs now beside its plain price: in a flash sale, or by the step that a group has reached. */
import { flashPhase } from '../room/flash'
import type { AtMs, Fen, Flash, Group, Product } from '../base/wire'
import { stepsOf } from './group-steps'

/** The flash sale in which `product` costs less than `other_fen`, null while there is none with units left. */
export function flashFor(
  product: Pick<Product, 'id'>,
  flash: Flash | null | undefined,
  other_fen: Fen,
  at_ms: AtMs,
): Flash | null {
  if (!flash || flash.product_id !== product.id || flash.price_fen >= other_fen) return null
  return flashPhase(flash, at_ms) === 'running' ? flash : null
}

/** The price to show, and the plain one to strike through, null where nothing is cheaper. */
export function priceNow(
  product: Pick<Product, 'id' | 'price_fen'>,
  group: Group | null,
  flash: Flash | null | undefined,
  at_ms: AtMs,
): { fen: Fen; was_fen: Fen | null } {
  const plain = product.price_fen
  const grouped = group ? Math.min(group.price_fen, stepsOf(group).price_fen) : plain
  const best = Math.min(plain, grouped)
  const fen = flashFor(product, flash, best, at_ms)?.price_fen ?? best
  return { fen, was_fen: fen < plain ? plain : null }
}
