import { describe, expect, it } from 'vitest'
import { SOON_MS, betterSample, clockSample, countdown, elapsed, urgency } from '../../src/lib/room/clock'

describe('clock', () => {
  it('rounds up seconds, stops at zero, and omits zero hours', () => {
    expect(countdown(61_000, 0)).toBe('01:01')
    expect(countdown(60_001, 0)).toBe('01:01')
    expect(countdown(1, 1000)).toBe('00:00')
    expect(countdown(3_600_000, 0)).toBe('1:00:00')
    expect(elapsed(0, 61_999)).toBe('01:01')
  })
  it('prefers the sample with the shortest round trip until it is old', () => {
    const near = clockSample(100, 120, 5_010)
    const far = clockSample(200, 900, 9_999)
    expect(near.offset_ms).toBe(4_900)
    expect(betterSample(near, far)).toBe(near)
    expect(betterSample(far, near)).toBe(near)
    expect(betterSample(near, { ...far, taken_ms: 3_600_000 }).taken_ms).toBe(3_600_000)
  })
  it('grades urgency by the time left', () => {
    expect([SOON_MS + 1, SOON_MS, 0, -1].map((left) => urgency(left, 0))).toEqual([
      'calm',
      'soon',
      'soon',
      'late',
    ])
  })
})
