/** A guest's orders as they were when the server last said so: readable, with their pickup codes, when there is no network. */
import type { AtMs, Order } from '../base/wire'

const STORAGE_KEY = 'linli.orders'
/** The newest are kept. */
const ORDERS_MAX = 30

/** The part of Web Storage we use. */
interface KeyStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface KeptOrders {
  orders: Order[]
  /** When the server said so, UTC. */
  at_ms: AtMs
}

export class OrderKeeper {
  constructor(private readonly storage: KeyStore) {}

  keep(guest_id: string, { orders, at_ms }: KeptOrders): void {
    const newest = orders.slice(0, ORDERS_MAX)
    this.storage.setItem(STORAGE_KEY, JSON.stringify({ guest_id, at_ms, orders: newest }))
  }

  /** What was kept of this guest. What is there of anybody else is dropped: a device may change hands. */
  of(guest_id: string): KeptOrders | null {
    const kept = this.#load()
    if (!kept) return null
    if (kept.guest_id === guest_id) return kept
    this.storage.removeItem(STORAGE_KEY)
    return null
  }

  #load(): (KeptOrders & { guest_id: string }) | null {
    try {
      const value = JSON.parse(this.storage.getItem(STORAGE_KEY) ?? 'null') as
        (KeptOrders & { guest_id: string }) | null
      return value && Array.isArray(value.orders) && Number.isFinite(value.at_ms) ? value : null
    } catch {
      return null
    }
  }
}
