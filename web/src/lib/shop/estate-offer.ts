/** What an estate is offered: a product at the estate's own price. */
import type { Product } from '../base/wire'

/** The product as an estate is offered it, null when it is not; without an estate, as most are. */
export function offeredTo(product: Product, estateId: string | null): Product | null {
  const own = product.offers?.find((offer) => offer.estate_id === estateId)
  if ((own ?? product).offered === false) return null
  if (!own) return product
  const list_price_fen = Math.max(product.list_price_fen, own.price_fen)
  return { ...product, price_fen: own.price_fen, list_price_fen }
}
