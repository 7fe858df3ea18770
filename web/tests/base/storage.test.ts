import { describe, expect, it } from 'vitest'
import { type KeyStore, Memory } from '../../src/lib/base/storage'

/** A browser's storage that takes `quota` values. */
function browser(quota: number): KeyStore & { kept: Map<string, string> } {
  const kept = new Map<string, string>()
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem(key, value) {
      if (kept.size >= quota) throw new DOMException('full', 'QuotaExceededError')
      kept.set(key, value)
    },
    removeItem: (key) => void kept.delete(key),
  }
}

describe('storage', () => {
  it('keeps values in the browser', () => {
    const store = browser(9)
    const storage = new Memory(() => store)
    storage.setItem('a', '1')
    expect(storage.lasts).toBe(true)
    expect([...store.kept]).toEqual([['a', '1']])
    expect(new Memory(() => store).getItem('a')).toBe('1')
  })

  it('keeps values for the page where site data is blocked', () => {
    const storage = new Memory(() => {
      throw new DOMException('blocked', 'SecurityError')
    })
    expect(storage.lasts).toBe(false)
    storage.setItem('a', '1')
    expect(storage.getItem('a')).toBe('1')
    storage.removeItem('a')
    expect(storage.getItem('a')).toBeNull()
  })

  it('keeps values for the page where the quota is zero', () => {
    const storage = new Memory(() => browser(0))
    storage.setItem('a', '1')
    expect(storage.lasts).toBe(false)
    expect(storage.getItem('a')).toBe('1')
  })

  it('still reads what it cannot overwrite, and then its own value', () => {
    const store = browser(9)
    store.setItem('a', 'old')
    const storage = new Memory(() => store)
    store.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    expect(storage.getItem('a')).toBe('old')
    storage.setItem('a', 'new')
    expect(storage.getItem('a')).toBe('new')
    expect(storage.lasts).toBe(false)
  })

  it('notices what another tab has removed', () => {
    const store = browser(9)
    const storage = new Memory(() => store)
    storage.setItem('a', '1')
    store.removeItem('a')
    expect(storage.getItem('a')).toBeNull()
  })
})
