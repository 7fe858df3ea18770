import { describe, expect, it } from 'vitest'
import { type RefundCall, ageOf, nextAttempt } from '../../src/lib/hq/refunds'
import { en } from '../../src/pages/hq/refunds/words.en'
import { zh } from '../../src/pages/hq/refunds/words.zh'

const NOW = 1_790_000_000_000
const MINUTE = 60_000
const call = (over: Partial<RefundCall>) => ({ state: 'queued', next_at_ms: null, ...over }) as RefundCall

describe('a refund that waits', () => {
  it('has its age in the largest unit that it fills', () => {
    expect(ageOf(NOW - 59_999, NOW)).toEqual({ unit: 'minutes', n: 0 })
    expect(ageOf(NOW - 59 * MINUTE, NOW)).toEqual({ unit: 'minutes', n: 59 })
    expect(ageOf(NOW - 60 * MINUTE, NOW)).toEqual({ unit: 'hours', n: 1 })
    expect(ageOf(NOW - 49 * 60 * MINUTE, NOW)).toEqual({ unit: 'days', n: 2 })
    // The server's clock may be ahead of this one.
    expect(ageOf(NOW + 5_000, NOW)).toEqual({ unit: 'minutes', n: 0 })
  })
  it('says when it goes out next', () => {
    expect(nextAttempt(call({ next_at_ms: NOW + 1 }), NOW)).toBe('at')
    expect(nextAttempt(call({ next_at_ms: NOW }), NOW)).toBe('now')
    expect(nextAttempt(call({}), NOW)).toBe('after')
    expect(nextAttempt(call({ state: 'failed' }), NOW)).toBe('never')
  })
  it('has its reason in words of both languages', () => {
    expect(Object.keys(en.refund_reasons)).toEqual(Object.keys(zh.refund_reasons))
    for (const words of [...Object.values(en.refund_reasons), ...Object.values(zh.refund_reasons)])
      expect(words.length).toBeGreaterThan(1)
  })
})
