/** Remembers small things in the browser, and for this page only where the browser keeps nothing. */

/** The part of Web Storage we use. */
export interface KeyStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

const PROBE = 'linli.probe'

export class Memory implements KeyStore {
  readonly #kept = new Map<string, string>()
  #lasts = true

  /** `open` gives the browser's storage. It may throw (site data blocked), as may any use of it (no quota). */
  constructor(private readonly open: () => KeyStore) {
    this.setItem(PROBE, '1')
    this.removeItem(PROBE)
  }

  /** Whether what is kept here survives the page. */
  get lasts(): boolean {
    return this.#lasts
  }

  getItem(key: string): string | null {
    const kept = this.#kept.get(key)
    // What another tab has removed meanwhile is gone here, too.
    if (!this.#lasts && kept !== undefined) return kept
    return this.#use((store) => store.getItem(key)) ?? null
  }

  setItem(key: string, value: string): void {
    this.#kept.set(key, value)
    this.#use((store) => store.setItem(key, value))
  }

  removeItem(key: string): void {
    this.#kept.delete(key)
    this.#use((store) => store.removeItem(key))
  }

  #use<T>(action: (store: KeyStore) => T): T | undefined {
    try {
      return action(this.open())
    } catch {
      this.#lasts = false
      return undefined
    }
  }
}
