import { describe, expect, it } from 'vitest'
import { money, moneyParts } from '../../src/lib/shop/money'

describe('money', () => {
  it.each([
    [990, '¥9.90'],
    [0, '¥0.00'],
    [5, '¥0.05'],
    [123456789, '¥1,234,567.89'],
  ])('%i fen is %s in both languages', (fen, text) => {
    expect(money(fen, 'zh')).toBe(text)
    expect(money(fen, 'en')).toBe(text)
  })
  it('splits into symbol, whole part and fraction', () => {
    expect(moneyParts(1205)).toEqual({ symbol: '¥', whole: '12', fraction: '05' })
    expect(moneyParts(1_299_900)).toEqual({ symbol: '¥', whole: '12,999', fraction: '00' })
  })
})
