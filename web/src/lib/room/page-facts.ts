/**
 * What happens on a page of a viewer, for the lake (docs/facts.md), sent in batches when nothing else waits for it.
 *
 * Facts are numbered under a sender of the page's own; the server counts a number once, so what was not acknowledged
 * is sent again. One batch is in flight at a time, but for the last one of a page that is left, which has all that
 * was not acknowledged.
 */
import { Backoff } from '../base/backoff'
import type { Timers } from '../base/timers'

/** Wait before facts are sent together, ms. */
export const SEND_EVERY_MS = 10_000
/** Facts in a batch; the server takes no more. */
export const BATCH_MAX = 100
/** Facts that wait while the server is away; older ones are lost. */
export const WAITING_MAX = 300

/** A topic of docs/facts.md that pages may send, and what it says beside the room. */
export type PageFact =
  | { topic: 'card.seen'; payload: { product_id: string } }
  | { topic: 'card.opened'; payload: { product_id: string; dwell_ms: number } }
  | { topic: 'bag.added'; payload: { product_id: string; units: number } }
  | { topic: 'live.watched'; payload: { watched_ms: number } }
type Numbered = PageFact & { number: number; at_ms: number }
export interface FactBatch {
  sender: string
  room_id: string
  sent_at_ms: number
  facts: Numbered[]
}
/** `later`: the server is away or has enough for now. */
export type Delivery = 'taken' | 'refused' | 'later'
/** Send a batch; `leaving` when the page may be gone before the answer. */
export type SendFacts = (batch: FactBatch, leaving: boolean) => Promise<Delivery>

export class FactQueue {
  #number = 0
  #waiting: Numbered[] = []
  #cancel: (() => void) | null = null
  #sending = false

  constructor(
    private readonly of: { sender: string; room_id: string },
    private readonly send: SendFacts,
    private readonly timers: Timers,
    /** UTC, ms. */
    private readonly clock: () => number,
    private readonly backoff = new Backoff(Math.random, { first_ms: SEND_EVERY_MS, max_ms: 300_000 }),
  ) {}

  add(fact: PageFact): void {
    this.#waiting.push({ ...fact, number: ++this.#number, at_ms: this.clock() })
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift()
    this.#cancel ??= this.timers.after(SEND_EVERY_MS, () => void this.#next())
  }

  /** The page is left: send what the server may not have yet. */
  leave(): void {
    if (this.#waiting.length > 0) void this.#deliver(this.#waiting.slice(0, BATCH_MAX), true)
  }

  close(): void {
    this.#cancel?.()
    this.#waiting = []
  }

  async #next(): Promise<void> {
    if (this.#sending || this.#waiting.length === 0) return
    this.#sending = true
    const delivery = await this.#deliver(this.#waiting.slice(0, BATCH_MAX), false)
    this.#sending = false
    this.#cancel = null
    if (this.#waiting.length === 0) return
    const wait_ms = delivery === 'later' ? this.backoff.next() : SEND_EVERY_MS
    this.#cancel = this.timers.after(wait_ms, () => void this.#next())
  }

  async #deliver(facts: Numbered[], leaving: boolean): Promise<Delivery> {
    const delivery = await this.send({ ...this.of, sent_at_ms: this.clock(), facts }, leaving)
    if (delivery === 'later') return delivery
    // What is refused now is refused for ever.
    const last = facts[facts.length - 1]?.number ?? 0
    this.#waiting = this.#waiting.filter(({ number }) => number > last)
    this.backoff.reset()
    return delivery
  }
}

/** For how long a page plays its live where somebody sees it. */
export class Watching {
  #since: number | null = null
  #watched_ms = 0

  constructor(private readonly now: () => number) {}

  /** Whether the live plays on a page that is seen. */
  set(playing: boolean): void {
    const now = this.now()
    if (this.#since !== null) this.#watched_ms += now - this.#since
    this.#since = playing ? now : null
  }

  /** How long since this was asked last, whole ms. */
  take(): number {
    this.set(this.#since !== null)
    const watched_ms = Math.round(this.#watched_ms)
    this.#watched_ms = 0
    return watched_ms
  }
}
