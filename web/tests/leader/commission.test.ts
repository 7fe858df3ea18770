import { describe, expect, it } from 'vitest'
import { monthBefore, monthOf, percent } from '../../src/lib/leader/commission'

describe('commission', () => {
  it('shows basis points as percent', () => {
    expect([percent(800), percent(850), percent(5)]).toEqual(['8', '8.5', '0.05'])
  })
  it('counts months of China', () => {
    expect(monthOf(Date.UTC(2026, 10, 30, 16))).toBe('2026-12')
    expect([monthBefore('2026-12'), monthBefore('2026-01')]).toEqual(['2026-11', '2025-12'])
  })
})
