/** When and where an order would be ready: what the server promises an estate. */
import type { AtMs } from '../base/wire'

export interface Span {
  from_ms: AtMs
  until_ms: AtMs
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
}
export type Kind = 'pickup' | 'delivery'

/** The stores that would take an order now; the estate's own order while nothing is promised. */
export function promisedRoute(
  promises: Promises | null,
  kind: Kind,
  route: string[] | null,
): string[] | null {
  if (!promises || promises[kind].length === 0) return route
  return promises[kind].map((promise) => promise.store_id)
}

/** When an order of `storeId` is ready, null when it is not promised. */
export function promiseOf(promises: Promises | null, kind: Kind, storeId: string | undefined): Span | null {
  const found = promises?.[kind].find((promise) => promise.store_id === storeId)
  if (!found || found.from_ms === null || found.until_ms === null) return null
  return { from_ms: found.from_ms, until_ms: found.until_ms }
}
