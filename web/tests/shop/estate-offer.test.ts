import { describe, expect, it } from 'vitest'
import { offeredTo } from '../../src/lib/shop/estate-offer'
import { product } from '../support/fixtures'

describe('what an estate is offered', () => {
  const offers = [
    { estate_id: 'e1', price_fen: 1190, offered: true },
    { estate_id: 'e2', price_fen: 1290, offered: false },
    { estate_id: 'e3', price_fen: 1690, offered: true },
  ]
  it('is the product at its own price', () => {
    expect(offeredTo(product({ offers }), 'e1')).toMatchObject({ price_fen: 1190, list_price_fen: 1580 })
  })
  it('is nothing where it is left out', () => {
    expect(offeredTo(product({ offers }), 'e2')).toBeNull()
  })
  it('is what all others are, without an offer of its own', () => {
    expect(offeredTo(product({ offers }), 'e9')?.price_fen).toBe(1290)
    const members = product({ member_fen: 1090, offers: [{ ...offers[0]!, member_fen: 990 }] })
    expect(offeredTo(members, 'e9', true)).toMatchObject({ price_fen: 1090, list_price_fen: 1580 })
    expect(offeredTo(members, 'e9')).toMatchObject({ price_fen: 1290, member_fen: 1090 })
    expect(offeredTo(members, 'e1', true)?.price_fen).toBe(990)
    expect(offeredTo(product({ member_fen: 1090, offers }), 'e1', true)?.price_fen).toBe(1190)
    expect(offeredTo(product(), null)?.price_fen).toBe(1290)
    expect(offeredTo(product({ offers, offered: false }), 'e9')).toBeNull()
    expect(offeredTo(product({ offers, offered: false }), 'e1')?.price_fen).toBe(1190)
  })
  it('never costs more than its list price says', () => {
    expect(offeredTo(product({ offers }), 'e3')).toMatchObject({ price_fen: 1690, list_price_fen: 1690 })
  })
})
