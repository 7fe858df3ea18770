import { describe, expect, it } from 'vitest'
import { offerOf, scarcestPart } from '../../src/lib/shop/offer'
import type { Attempt } from '../../src/lib/shop/order-desk'
import { card, group, order } from '../support/fixtures'

describe('an offer', () => {
  const attempt = (phase: Attempt['phase'], group_id?: string): Attempt => ({
    key: 'k',
    phase,
    guest_id: 'guest-1',
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

  describe('after a purchase', () => {
    const bought = order({ id: 'o9', group_id: null, state: 'new', total_fen: 1290 })
    const tapped: Attempt = { ...attempt('placed'), order_id: 'o9' }

    it('stays bought, also after a reload, and another one is bought only beside the button', () => {
      for (const latest of [tapped, null])
        expect(offerOf(card(), null, [bought], latest, 60_000)).toMatchObject({
          button: 'bought',
          again: true,
          confirm: 'again',
        })
      expect(offerOf(card({ left: 0 }), null, [bought], null, 60_000).again).toBe(false)
    })
    it('asks before a second purchase of the same product, and not before a retry', () => {
      const collected = { ...bought, state: 'handed_over' as const }
      expect(offerOf(card(), null, [collected], null, 60_000)).toMatchObject({
        button: 'buy',
        confirm: 'again',
      })
      expect(offerOf(card(), null, [collected], attempt('unknown'), 60_000).confirm).toBeNull()
      expect(offerOf(card(), null, [{ ...bought, state: 'cancelled' }], null, 60_000).confirm).toBeNull()
      expect(offerOf(card(), null, [collected], null, 3 * 24 * 3_600_000).confirm).toBeNull()
    })
  })

  it('waits for its payment, alone or in a group, and says so when that is over', () => {
    const payment = { expires_at_ms: 900_000, provider: 'wechat', action: null }
    for (const [offered, group_id] of [
      [null, null],
      [group(), 'g1'],
    ] as const) {
      const unpaid = order({ id: 'o1', group_id, state: 'waiting_payment', payment })
      const tapped: Attempt = { ...attempt('placed', group_id ?? undefined), order_id: 'o1' }
      for (const latest of [tapped, null])
        expect(offerOf(card(), offered, [unpaid], latest, 0)).toMatchObject({
          button: 'to_pay',
          pay_by_ms: 900_000,
          status: null,
          again: false,
        })
      const over = { ...unpaid, state: 'expired' as const }
      delete over.payment
      expect(offerOf(card(), offered, [over], tapped, 0)).toMatchObject({
        button: offered ? 'join' : 'buy',
        pay_by_ms: null,
        status: 'not_paid',
      })
    }
  })

  it("asks before an order above the brand's limit", () => {
    const terms = { quantity: 2, route: null, confirm_above_fen: 2_500 }
    expect(offerOf(card(), null, [], null, 0, terms)).toMatchObject({ confirm: 'above', quantity: 2 })
    expect(offerOf(card(), group(), [], null, 0, terms).confirm).toBeNull()
  })

  describe('in a group', () => {
    const mine = order({ id: 'o1', group_id: 'g1' })
    const tapped: Attempt = { ...attempt('placed', 'g1'), order_id: 'o1' }

    it('says what is next once the group is complete', () => {
      const done = { ...mine, state: 'new' as const }
      const reached = group({ state: 'reached', joined: 30 })
      for (const latest of [tapped, null])
        expect(offerOf(card(), reached, [done], latest, 0)).toMatchObject({
          button: 'joined',
          status: 'group_complete',
        })
    })
    it('no longer says joined after the group has expired or was left', () => {
      const gone = { ...mine, state: 'cancelled' as const }
      expect(offerOf(card(), group({ state: 'expired' }), [gone], tapped, 0)).toMatchObject({
        button: 'buy',
        status: 'group_expired',
      })
      expect(offerOf(card(), group(), [gone], tapped, 0)).toMatchObject({ button: 'join', status: null })
    })
  })

  describe('for an estate', () => {
    const stores = [
      { store_id: 's1', left: 2 },
      { store_id: 's2', left: 4 },
      { store_id: 'far', left: 90 },
    ]
    const terms = (quantity: number) => ({ quantity, route: ['s1', 's2'], confirm_above_fen: null })

    it('has what one of its stores has, not the sum of all', () => {
      expect(offerOf(card({ left: 96, stores }), null, [], null, 0, terms(1)).left).toBe(4)
      expect(offerOf(card({ left: 96, stores }), null, [], null, 0, terms(9)).quantity).toBe(4)
      const far = [{ store_id: 'far', left: 90 }]
      expect(offerOf(card({ left: 90, stores: far }), null, [], null, 0, terms(1)).button).toBe('sold_out')
    })
    it('names the store, and says when it is another one than usual', () => {
      const at = (quantity: number) => offerOf(card({ stores }), null, [], null, 0, terms(quantity)).store
      expect(at(2)).toEqual({ id: 's1', moved: false })
      expect(at(3)).toEqual({ id: 's2', moved: true })
      const confirm = (quantity: number) =>
        offerOf(card({ stores }), null, [], null, 0, terms(quantity)).confirm
      expect([confirm(2), confirm(3)]).toEqual([null, 'moved'])
    })
  })
})

describe('the scarcest part of a set', () => {
  const part = (product_id: string, units: number, lefts: Record<string, number>) => ({
    product_id,
    name: { zh: product_id, en: product_id },
    unit: { zh: '', en: '' },
    image: '',
    role: 'main' as const,
    units,
    alone_fen: 0,
    share_fen: 0,
    left: Object.values(lefts).reduce((sum, left) => sum + left, 0),
    stores: Object.entries(lefts).map(([store_id, left]) => ({ store_id, left })),
  })
  it('is the one that makes the fewest sets in a store of the buyer', () => {
    const parts = [part('pork', 1, { s1: 5, s2: 90 }), part('bean', 3, { s1: 30, s2: 30 })]
    expect(scarcestPart(parts, ['s1'])).toBe('pork')
    expect(scarcestPart(parts, ['s2'])).toBe('bean')
    expect(scarcestPart(parts, null)).toBe('bean')
  })
  it('is none while all make the same number', () => {
    expect(scarcestPart([part('pork', 1, { s1: 5 }), part('bean', 2, { s1: 10 })], ['s1'])).toBeNull()
    expect(scarcestPart([], ['s1'])).toBeNull()
  })
})
