/** What an estate is offered: a product at the estate's own price. */
import type { Product } from '../base/wire'

/**
 * The product as an estate is offered it, null when it is not; without an estate, as most are. A member pays
 * `member_fen`, which stays beside the price so that others see what members pay.
 */
export function offeredTo(product: Product, estateId: string | null, member = false): Product | null {
  const own = product.offers?.find((offer) => offer.estate_id === estateId)
  if ((own ?? product).offered === false) return null
  const { price_fen, member_fen } = own ?? product
  if (!own && member_fen === undefined) return product
  const list_price_fen = Math.max(product.list_price_fen, price_fen)
  const { member_fen: _, ...rest } = product
  const paid_fen = member ? (member_fen ?? price_fen) : price_fen
  return { ...rest, price_fen: paid_fen, list_price_fen, ...(member_fen !== undefined && { member_fen }) }
}

/** All that is offered on the card of a product, itself first. */
export function familyOf(product: Product): Product[] {
  return [product, ...(product.variants ?? [])]
}
