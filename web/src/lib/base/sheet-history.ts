/** Sheets and the way back: while any sheet is open the page has one history entry more, and going back closes a sheet. */

interface HistoryWorld {
  /** Add an entry for the same address. */
  push(): void
  /** Start going back by one entry; `popped` follows later. */
  back(): void
  /** Call once what is being done now is done: one sheet may open as another closes. */
  soon(callback: () => void): void
}

export class SheetHistory {
  readonly #closers: (() => void)[] = []
  #hasEntry = false
  #leaving = false

  constructor(private readonly world: HistoryWorld) {}

  /** A sheet has opened; `close` closes it. */
  opened(close: () => void): void {
    this.#closers.push(close)
    this.#claim()
  }

  /** A sheet has closed, by whatever way. */
  closed(close: () => void): void {
    const at = this.#closers.lastIndexOf(close)
    if (at >= 0) this.#closers.splice(at, 1)
    this.world.soon(() => {
      if (this.#closers.length > 0 || !this.#hasEntry) return
      this.#hasEntry = false
      this.#leaving = true
      this.world.back()
    })
  }

  /** The browser has gone back by an entry: by the reader's wish, or by ours. */
  popped(): void {
    if (this.#leaving) this.#leaving = false
    else if (this.#hasEntry) {
      this.#hasEntry = false
      this.#closers.pop()?.()
    }
    this.#claim()
  }

  #claim(): void {
    // An entry pushed while we go back would be the one that is left.
    if (this.#closers.length === 0 || this.#hasEntry || this.#leaving) return
    this.#hasEntry = true
    this.world.push()
  }
}
