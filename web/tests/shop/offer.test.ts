import { describe, expect, it } from 'vitest'
import { offerOf } from '../../src/lib/shop/offer'
import type { Attempt } from '../../src/lib/shop/order-desk'
import { card, group, order } from '../support/fixtures'

describe('an offer', () => {
  const attempt = (phase: Attempt['phase'], group_id?: string): Attempt => ({
    key: 'k',
    phase,
    tapped_at_ms: 0,
    order: {
      room_id: 'demo',
      product_id: 'spinach',
      quantity: 1,
      price_fen: 990,
      ...(group_id ? { group_id } : {}),
    },
  })
  it('joins an open group at its price', () => {
    expect(offerOf(card(), group(), [], null, 0)).toMatchObject({ button: 'join', price_fen: 990 })
  })
  it('is to buy without an open group', () => {
    expect(offerOf(card(), null, [], null, 0)).toMatchObject({ button: 'buy', price_fen: 1290, group: null })
    expect(offerOf(card(), group(), [], null, 10_000)).toMatchObject({ button: 'buy', price_fen: 1290 })
  })
  it('is sold out without stock', () => {
    expect(offerOf(card({ left: 0 }), group(), [], null, 0).button).toBe('sold_out')
  })
  it('is joined by the orders alone, even when sold out', () => {
    expect(offerOf(card({ left: 0 }), group(), [order()], null, 0).button).toBe('joined')
    expect(offerOf(card(), group(), [order({ state: 'cancelled' })], null, 0).button).toBe('join')
  })
  it('ignores an attempt on an earlier group', () => {
    expect(offerOf(card(), group({ id: 'g2' }), [], attempt('placed', 'g1'), 0)).toMatchObject({
      button: 'join',
      status: null,
    })
    expect(offerOf(card(), group(), [], attempt('placed', 'g1'), 0)).toMatchObject({
      button: 'joined',
      status: 'placed_group',
    })
  })
  it('can be retried after a declined payment', () => {
    expect(offerOf(card(), group(), [], attempt('declined', 'g1'), 0)).toMatchObject({
      button: 'join',
      status: 'declined',
    })
  })
  it('is confirming while an attempt is in flight or offline', () => {
    expect(offerOf(card(), group(), [], attempt('offline', 'g1'), 0)).toMatchObject({
      button: 'confirming',
      status: 'offline',
    })
  })
})
