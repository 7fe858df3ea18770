/** The server's clock as answers of HTTP tell it, for pages without a channel. Local time is monotonic ms. */
import type { AtMs } from '../base/wire'
import { type ClockSample, betterSample, clockSample } from '../room/clock'

export class ServerClock {
  #best: ClockSample | null = null

  /** An answer to a request sent at `sent_ms` came at `received_ms` (local), and says that it is `at_ms`. */
  heard(sent_ms: number, received_ms: number, at_ms: AtMs): void {
    const sample = clockSample(sent_ms, received_ms, at_ms)
    // Two samples that cannot both be right: the local clock has stood still while the device slept.
    const slept =
      this.#best !== null &&
      Math.abs(this.#best.offset_ms - sample.offset_ms) >
        (this.#best.round_trip_ms + sample.round_trip_ms) / 2
    this.#best = slept ? sample : betterSample(this.#best, sample)
  }

  /** Server time at local `now_ms`, or null before the first answer. */
  now(now_ms: number): AtMs | null {
    return this.#best && Math.round(now_ms + this.#best.offset_ms)
  }
}
