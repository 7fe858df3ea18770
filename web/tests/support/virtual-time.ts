/** Time that passes only when a test says so. */
import type { Timers } from '../../src/lib/base/timers'

export class VirtualTime implements Timers {
  #now = 0
  #next = 0
  readonly #due = new Map<number, { at_ms: number; callback: () => void }>()

  now(): number {
    return this.#now
  }

  after(delay_ms: number, callback: () => void): () => void {
    const id = this.#next++
    this.#due.set(id, { at_ms: this.#now + delay_ms, callback })
    return () => void this.#due.delete(id)
  }

  /** Let `duration_ms` pass, calling what becomes due in order, and letting promises settle in between. */
  async pass(duration_ms: number): Promise<void> {
    const end = this.#now + duration_ms
    await settle()
    for (;;) {
      const first = [...this.#due]
        .filter(([, entry]) => entry.at_ms <= end)
        .sort((a, b) => a[1].at_ms - b[1].at_ms)[0]
      if (!first) break
      this.#due.delete(first[0])
      this.#now = Math.max(this.#now, first[1].at_ms)
      first[1].callback()
      await settle()
    }
    this.#now = end
  }
}

/** Let everything that is already resolved run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
