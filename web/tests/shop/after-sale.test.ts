import { describe, expect, it } from 'vitest'
import {
  type AfterSale,
  type SoldPart,
  amountOf,
  claimable,
  ratable,
  tagsFor,
} from '../../src/lib/shop/after-sale'

const part = (over: Partial<SoldPart> = {}): SoldPart => ({
  line: 0,
  part: 0,
  product_id: 'tea',
  name: { zh: '茶', en: 'Tea' },
  image: '',
  units: 3,
  amount_fen: 1000,
  refunded_fen: 0,
  claim: null,
  rating: null,
  ...over,
})
const sale = (...parts: SoldPart[]): AfterSale => ({
  order_id: 'o',
  claim_until_ms: 100,
  rate_until_ms: 500,
  refund_due_fen: 0,
  refunded_fen: 0,
  parts,
})
const claim = (state: 'open' | 'refused') => ({ state }) as SoldPart['claim']

describe('after a sale', () => {
  it('offers claims in time, for what was not given back and does not wait', () => {
    const parts = [part(), part({ refunded_fen: 1000 }), part({ claim: claim('open') })]
    const refused = part({ claim: claim('refused') })
    expect(claimable(sale(...parts, refused), 100)).toEqual([parts[0], refused])
    expect(claimable(sale(...parts), 101)).toEqual([])
    expect(claimable({ ...sale(part()), claim_until_ms: null }, 0)).toEqual([])
  })

  it('lets a rating change for a day', () => {
    const rated = part({ rating: { stars: 5, tags: [], words: '', held: false, rated_at_ms: 0 } })
    expect(ratable(sale(rated), 500)).toEqual([rated])
    expect(ratable({ ...sale(rated), rate_until_ms: 1e9 }, 24 * 3_600_000 + 1)).toEqual([])
    expect(ratable(sale(part()), 501)).toEqual([])
  })

  it('says what units give back as the shop reckons it', () => {
    expect([1, 2, 3].map((units) => amountOf(part(), units))).toEqual([334, 667, 1000])
    expect(amountOf(part({ refunded_fen: 900 }), 2)).toBe(100)
  })

  it('offers praise for four stars and more', () => {
    expect(tagsFor(4)).toContain('tasty')
    expect(tagsFor(3)).toContain('too_salty')
  })
})
