/** Waiting times between attempts: doubling, capped, half of each random so that a crowd does not return as one. */

interface BackoffLimits {
  /** Longest first wait, ms. */
  first_ms: number
  /** Longest wait ever, ms. */
  max_ms: number
}

const RECONNECT: BackoffLimits = { first_ms: 1_000, max_ms: 30_000 }

/** The share of a wait that is never jittered away; without it a retry could follow at once. */
const FLOOR = 0.5

export class Backoff {
  #attempts = 0

  constructor(
    private readonly random: () => number,
    private readonly limits: BackoffLimits = RECONNECT,
  ) {}

  /** How long to wait before the next attempt, ms; at least `atLeast_ms` when the server asked for it. */
  next(atLeast_ms = 0): number {
    const ceiling = Math.min(this.limits.max_ms, this.limits.first_ms * 2 ** Math.min(this.#attempts, 20))
    this.#attempts += 1
    const wait = ceiling * (FLOOR + (1 - FLOOR) * this.random())
    // What the server asks for is a minimum; some jitter above it spreads the crowd too.
    return Math.round(Math.max(wait, atLeast_ms * (1 + 0.25 * this.random())))
  }

  /** Call when an attempt has proved itself. */
  reset(): void {
    this.#attempts = 0
  }
}
