/** Time as a port: pages hand in the real one, tests a virtual one. */

export interface Timers {
  /** Monotonic local time, ms. */
  now(): number
  /** Call `callback` once after `delay_ms`; the result cancels it. */
  after(delay_ms: number, callback: () => void): () => void
}
