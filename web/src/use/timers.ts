/** The real time, for lib/timers. */
import type { Timers } from '../lib/base/timers'

export const realTimers: Timers = {
  now: () => performance.now(),
  after(delay_ms, callback) {
    const id = setTimeout(callback, delay_ms)
    return () => clearTimeout(id)
  },
}
