import { describe, expect, it } from 'vitest'
import { changePercent, differenceText, monthOf, valueText, verdictOf } from '../../src/lib/hq/kpi'

const comparison = { pilots: 3, controls: 3, difference: 1, low: 0.5, high: 1.5 }

describe('key figures', () => {
  it('are of months in China', () => {
    expect(monthOf(Date.UTC(2026, 9, 31, 15, 59))).toBe('2026-10')
    expect(monthOf(Date.UTC(2026, 9, 31, 16, 0))).toBe('2026-11')
  })
  it('have no value of nothing, never 0', () => {
    expect(valueText(null, 'share', 'zh')).toBe('–')
    expect(valueText(0.0754, 'share', 'zh')).toBe('7.5%')
    expect(valueText(12.25, 'households', 'en')).toBe('12.3')
  })
  it('show differences of shares in points and those of money in yuan', () => {
    expect(differenceText(-0.05, 'share', 'zh', '个百分点')).toBe('−5.0 个百分点')
    expect(differenceText(123, 'fen', 'zh', '')).toBe('+¥1.23')
  })
  it('change against a baseline that is not nothing', () => {
    expect(changePercent({ value: 15, baseline: 12 })).toBe(25)
    expect(changePercent({ value: 15, baseline: 0 })).toBeNull()
    expect(changePercent({ value: 15, baseline: null })).toBeNull()
  })
  it('say that pilots differ only where the interval does', () => {
    expect(verdictOf(comparison)).toBe('more')
    expect(verdictOf({ ...comparison, low: -0.1 })).toBe('unclear')
    expect(verdictOf({ ...comparison, low: -3, high: -1 })).toBe('less')
    expect(verdictOf({ ...comparison, low: null, high: null })).toBe('too_few')
    expect(verdictOf({ ...comparison, difference: null })).toBe('none')
  })
})
