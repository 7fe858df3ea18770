import { describe, expect, it } from 'vitest'
import vectors from '../../../tests/vectors/coupons.json'
import { type Coupon, type Line, bestCoupon, discountOf } from '../../src/lib/shop/coupons'

describe('coupons', () => {
  it.each(vectors.cases)('take off what the server takes off: $off', ({ terms, lines, off }) => {
    const sum = off.reduce((total, fen) => total + fen, 0)
    expect(discountOf(terms, lines as unknown as Line[])).toBe(sum)
  })

  it('are chosen by what they take off, then by their end', () => {
    const terms = { amount_fen: 300, percent: 0, cap_fen: 0, minimum_fen: 0, product_ids: [] }
    const coupon = (id: string, expires_at_ms: number, change: Partial<Coupon> = {}): Coupon => ({
      id,
      campaign_id: 'c',
      name: { zh: '', en: '' },
      terms,
      state: 'claimed',
      expires_at_ms,
      ...change,
    })
    const used = coupon('used', 1, { state: 'used', terms: { ...terms, amount_fen: 900 } })
    const found = [used, coupon('late', 9), coupon('soon', 5)]
    expect(bestCoupon(found, [['a', 1000]])?.id).toBe('soon')
    expect(bestCoupon([used], [['a', 1000]])).toBeNull()
  })
})
