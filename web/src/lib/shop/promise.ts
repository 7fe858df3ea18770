/** When and where an order would be ready: what the server promises an estate. */
import type { AtMs } from '../base/wire'

export interface Span {
  from_ms: AtMs
  until_ms: AtMs
  /** Of a presale: when its last order is taken. */
  order_by_ms?: AtMs
}
/** A store that would take an order; without times where it does not count them. */
export interface StorePromise {
  store_id: string
  from_ms: AtMs | null
  until_ms: AtMs | null
}
/** Stores in the order in which the server tries them. */
export interface Promises {
  pickup: StorePromise[]
  delivery: StorePromise[]
  now_ms: AtMs
  presales?: Presale[]
}
/** Goods that are ordered until the cut-off for one hand-over; no store takes an order after it. */
export interface Presale extends Span {
  product_ids: string[]
  cut_off_ms: AtMs
  pickup: StorePromise[]
  delivery: StorePromise[]
}
export type Kind = 'pickup' | 'delivery'

/** The presale that a product is sold in, null when it is taken from the shelf. */
export function presaleOf(promises: Promises | null, productId: string): Presale | null {
  return promises?.presales?.find(({ product_ids }) => product_ids.includes(productId)) ?? null
}

/** When goods of a presale are handed over, even where no store takes orders any more. */
export function presaleSpan({ from_ms, until_ms, cut_off_ms }: Presale): Span {
  return { from_ms, until_ms, order_by_ms: cut_off_ms }
}

/** The stores that would take an order now; the estate's own order while nothing is promised. */
export function promisedRoute(
  promises: Pick<Promises, Kind> | null,
  kind: Kind,
  route: string[] | null,
): string[] | null {
  if (!promises || promises[kind].length === 0) return route
  return promises[kind].map((promise) => promise.store_id)
}

/** When an order of `storeId` is ready, null when it is not promised. */
export function promiseOf(
  promises: Pick<Promises, Kind> | null,
  kind: Kind,
  storeId: string | undefined,
): Span | null {
  const found = promises?.[kind].find((promise) => promise.store_id === storeId)
  if (!found || found.from_ms === null || found.until_ms === null) return null
  return { from_ms: found.from_ms, until_ms: found.until_ms }
}
