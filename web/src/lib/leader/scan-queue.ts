/** Scans of a leader's phone: numbered, kept until the server has decided on each, and what it decided. */
import type { AtMs } from '../base/wire'
import type { KeyStore } from '../base/storage'

/** Decisions that are kept to be shown. */
export const DECIDED_MAX = 100
/** Of one request. */
export const SEND_MAX = 50

export interface Scan {
  seq: number
  at_ms: AtMs
  code?: string
  /** Of one that is brought to a door. */
  order_id?: string
  household_id?: string
  last_four?: string
  reason?: string
  /** One of several households who stand there together. */
  batch?: boolean
}
export type ScanResult = 'handed_over' | 'duplicate' | 'unknown' | 'not_ready' | 'wrong_tail'
/** An empty device is the store's counter. */
export interface FirstHandover {
  device: string
  device_name: string
  staff_name: string
  at_ms: AtMs
}
export interface Outcome {
  seq: number
  result: ScanResult
  order_ids: string[]
  first: FirstHandover | null
}
/** An outcome that a phone learnt later than it scanned. */
export interface Decided extends Outcome {
  at_ms: AtMs
  late: boolean
}
interface Kept {
  device: string
  seq: number
  waiting: (Scan & { order_ids: string[] })[]
  decided: Decided[]
}

export class ScanQueue {
  #kept: Kept

  constructor(
    private readonly key: string,
    private readonly store: KeyStore,
    newDevice: () => string,
  ) {
    this.#kept = load(store.getItem(key)) ?? { device: newDevice(), seq: 0, waiting: [], decided: [] }
    this.#save()
  }

  get device(): string {
    return this.#kept.device
  }
  /** Scans that the server has not decided on, oldest first. */
  get waiting(): readonly Scan[] {
    return this.#kept.waiting
  }
  /** The newest first. */
  get decided(): readonly Decided[] {
    return this.#kept.decided
  }
  /** Orders that this phone has handed over, as far as it knows. */
  get handedOver(): Set<string> {
    const done = this.#kept.decided.filter((one) => one.result === 'handed_over')
    return new Set([...done, ...this.#kept.waiting].flatMap((one) => one.order_ids))
  }

  /** Number a scan and keep it; `order_ids` are those that it is believed to be about. */
  add(scan: Omit<Scan, 'seq'>, order_ids: string[] = []): Scan {
    const numbered = { ...scan, seq: this.#kept.seq + 1, order_ids }
    this.#kept = { ...this.#kept, seq: numbered.seq, waiting: [...this.#kept.waiting, numbered] }
    this.#save()
    return numbered
  }

  /** What to send next, as the server takes it. */
  batch(): Scan[] {
    return this.#kept.waiting.slice(0, SEND_MAX).map(({ order_ids: _, ...scan }) => scan)
  }

  /** Note what the server has decided; `live` are the scans that somebody is looking at. */
  decide(outcomes: Outcome[], live: number[]): void {
    const known = new Map(this.#kept.waiting.map((scan) => [scan.seq, scan]))
    const fresh = outcomes.flatMap((outcome): Decided[] => {
      const scan = known.get(outcome.seq)
      return scan ? [{ ...outcome, at_ms: scan.at_ms, late: !live.includes(outcome.seq) }] : []
    })
    const done = new Set(outcomes.map((outcome) => outcome.seq))
    this.#kept = {
      ...this.#kept,
      waiting: this.#kept.waiting.filter((scan) => !done.has(scan.seq)),
      decided: [...fresh.reverse(), ...this.#kept.decided].slice(0, DECIDED_MAX),
    }
    this.#save()
  }

  /** Take back a scan that the server refuses to look at. */
  drop(seq: number): void {
    this.#kept = { ...this.#kept, waiting: this.#kept.waiting.filter((scan) => scan.seq !== seq) }
    this.#save()
  }

  #save(): void {
    this.store.setItem(this.key, JSON.stringify(this.#kept))
  }
}

function load(text: string | null): Kept | null {
  try {
    const kept = JSON.parse(text ?? 'null') as Kept | null
    return kept?.device && Array.isArray(kept.waiting) ? kept : null
  } catch {
    return null
  }
}
