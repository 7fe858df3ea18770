import { describe, expect, it } from 'vitest'
import { Backoff } from '../../src/lib/base/backoff'

describe('Backoff', () => {
  it('doubles up to its limit, keeps half of each wait, and resets', () => {
    const shortest = new Backoff(() => 0)
    const longest = new Backoff(() => 1)
    expect([1, 2, 3, 4, 5, 6, 7].map(() => shortest.next())).toEqual([
      500, 1000, 2000, 4000, 8000, 15_000, 15_000,
    ])
    expect(longest.next()).toBe(1000)
    longest.next()
    longest.reset()
    expect(longest.next()).toBe(1000)
  })
  it('waits at least as long as the server asks', () => {
    expect(new Backoff(() => 0).next(9000)).toBe(9000)
  })
})
