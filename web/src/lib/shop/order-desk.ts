/**
 * One-tap orders that survive a bad network: each tap gets one idempotency key, and the key stays with it until the server
 * has given a final answer, over retries, lost answers and reloads of the page. An attempt is its guest's: this browser may be
 * another guest's later, as whom it is never sent.
 */
import { type Half, type PlaceOrder, type Placed, Refused, Unreachable } from '../base/api'
import { Backoff } from '../base/backoff'
import type { Timers } from '../base/timers'
import type { LocalText, Order } from '../base/wire'

/** After this long without a final answer an attempt ends as unknown; the key is kept for the next tap, ms. */
export const GIVE_UP_MS = 3 * 60_000
const STORAGE_KEY = 'linli.attempts'

export type AttemptPhase =
  | 'confirming'
  | 'offline'
  | 'placed'
  | 'sold_out'
  | 'already_joined'
  | 'closed'
  | 'limit'
  | 'declined'
  | 'not_on_sale'
  | 'price_changed'
  | 'phone_needed'
  | 'no_slot'
  | 'cut_off'
  | 'apart'
  | 'coupon'
  | 'flash_gone'
  | 'address_needed'
  | 'unknown'
  | 'refused'

const PHASE_OF_PROBLEM: Record<string, AttemptPhase> = {
  'sold-out': 'sold_out',
  'already-joined': 'already_joined',
  'group-closed': 'closed',
  'limit-reached': 'limit',
  'not-on-sale': 'not_on_sale',
  'price-changed': 'price_changed',
  'payment-declined': 'declined',
  'phone-needed': 'phone_needed',
  'no-slot': 'no_slot',
  'cut-off': 'cut_off',
  'presale-apart': 'apart',
  'coupon-taken': 'coupon',
  'coupon-unfit': 'coupon',
  'flash-sold-out': 'flash_gone',
  'flash-over': 'flash_gone',
  'address-needed': 'address_needed',
}

export interface Attempt {
  readonly guest_id: string | null
  readonly key: string
  readonly order: PlaceOrder
  readonly phase: AttemptPhase
  readonly tapped_at_ms: number
  /** Known once the server has accepted it. */
  readonly order_id?: string
  /** What is sold out: a product of the order, or a part of a set in it. */
  readonly lacking?: LocalText
  /** What two stores have together of what no single one has. */
  readonly halves?: Half[]
}

/** The part of Web Storage we use. */
interface KeyStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

interface DeskWorld {
  place: (order: PlaceOrder, key: string) => Promise<Placed>
  /** The token is no longer valid: get another one. False when that needs the person. */
  renewIdentity: () => Promise<boolean>
  newKey: () => string
  /** Who orders; null while nobody is known. */
  guestId: () => string | null
  timers: Timers
  /** UTC ms. */
  at: () => number
  random: () => number
  storage: KeyStore
  onChange: (attempt: Attempt) => void
  onPlaced: (order: Order) => void
}

interface Running {
  attempt: Attempt
  backoff: Backoff
  cancel: () => void
  busy: boolean
}

export class OrderDesk {
  readonly #running = new Map<string, Running>()

  constructor(private readonly world: DeskWorld) {}

  /** Take up again what a reload interrupted, as far as it is this guest's. */
  resume(): void {
    const guest = this.world.guestId()
    for (const attempt of guest ? this.#load() : [])
      if (attempt.guest_id === guest && !this.#running.has(attempt.order.product_id))
        this.#run({ ...attempt, phase: 'confirming' })
  }

  /** This browser is another guest's: drop the attempts of the one before, and take up those of this one. */
  changeGuest(): void {
    for (const running of this.#running.values()) running.cancel()
    this.#running.clear()
    this.resume()
  }

  /** A tap. While an earlier tap on the same product has no final answer, it is that one again: same key. */
  submit(order: PlaceOrder): Attempt {
    const earlier = this.#running.get(order.product_id)
    if (earlier) {
      if (earlier.attempt.phase !== 'confirming')
        this.#change(earlier, { phase: 'confirming', tapped_at_ms: this.world.at() })
      void this.#send(earlier)
      return earlier.attempt
    }
    return this.#run({
      guest_id: this.world.guestId(),
      key: this.world.newKey(),
      order,
      phase: 'confirming',
      tapped_at_ms: this.world.at(),
    })
  }

  /** The network is back: retry now. */
  wake(): void {
    for (const running of this.#running.values())
      if (running.attempt.phase !== 'unknown') void this.#send(running)
  }

  /** The server pushed an order: an attempt that waits for it has its answer. */
  seen(order: Order): void {
    for (const running of this.#running.values())
      if (running.attempt.order_id === order.id) this.#finish(running, 'placed', order)
  }

  #run(attempt: Attempt): Attempt {
    const running: Running = {
      attempt,
      backoff: new Backoff(this.world.random),
      cancel: () => undefined,
      busy: false,
    }
    this.#running.set(attempt.order.product_id, running)
    this.#save()
    this.world.onChange(attempt)
    void this.#send(running)
    return attempt
  }

  async #send(running: Running): Promise<void> {
    if (running.busy) return
    running.busy = true
    running.cancel()
    try {
      const placed = await this.world.place(running.attempt.order, running.attempt.key)
      running.busy = false
      if (placed.done) {
        this.#finish(running, 'placed', placed.order)
        if (placed.other) this.world.onPlaced(placed.other)
      } else this.#later(running, { phase: 'confirming', order_id: placed.order_id }, 1000)
    } catch (error) {
      const renewed = error instanceof Refused && error.status === 401 && (await this.world.renewIdentity())
      running.busy = false
      this.#failed(running, error, renewed)
    }
  }

  #failed(running: Running, error: unknown, renewed: boolean): void {
    if (renewed) return this.#later(running, { phase: 'confirming' }, 0)
    if (error instanceof Unreachable) return this.#later(running, { phase: 'offline' }, 0)
    if (!(error instanceof Refused)) return this.#finish(running, 'refused')
    // Before the start of a flash sale nothing is decided.
    if (error.status === 429 || error.status >= 500 || error.kind === 'not-yet')
      return this.#later(running, { phase: 'confirming' }, error.retry_after_ms)
    const phase = PHASE_OF_PROBLEM[error.kind] ?? 'refused'
    if (phase === 'sold_out' && isText(error.extra.name))
      running.attempt = { ...running.attempt, lacking: error.extra.name }
    if (Array.isArray(error.extra.halves))
      running.attempt = { ...running.attempt, halves: error.extra.halves as Half[] }
    this.#finish(running, phase)
  }

  #later(running: Running, change: Partial<Attempt>, atLeast_ms: number): void {
    if (!this.#isRunning(running)) return
    const givenUp = this.world.at() - running.attempt.tapped_at_ms > GIVE_UP_MS
    this.#change(running, givenUp ? { ...change, phase: 'unknown' } : change)
    if (!givenUp)
      running.cancel = this.world.timers.after(
        running.backoff.next(atLeast_ms),
        () => void this.#send(running),
      )
  }

  #finish(running: Running, phase: AttemptPhase, order?: Order): void {
    if (!this.#isRunning(running)) return
    running.cancel()
    this.#running.delete(running.attempt.order.product_id)
    this.#change(running, order ? { phase, order_id: order.id } : { phase })
    if (order) this.world.onPlaced(order)
  }

  #change(running: Running, change: Partial<Attempt>): void {
    running.attempt = { ...running.attempt, ...change }
    this.#save()
    this.world.onChange(running.attempt)
  }

  #isRunning(running: Running): boolean {
    return this.#running.get(running.attempt.order.product_id) === running
  }

  #save(): void {
    const attempts = [...this.#running.values()].map((running) => running.attempt)
    this.world.storage.setItem(STORAGE_KEY, JSON.stringify(attempts))
  }

  #load(): Attempt[] {
    try {
      const value: unknown = JSON.parse(this.world.storage.getItem(STORAGE_KEY) ?? '[]')
      return Array.isArray(value)
        ? (value as Attempt[]).filter((attempt) => attempt.key && attempt.order)
        : []
    } catch {
      return []
    }
  }
}

function isText(value: unknown): value is LocalText {
  return typeof value === 'object' && value !== null && 'zh' in value && 'en' in value
}
