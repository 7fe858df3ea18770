import { describe, expect, it } from 'vitest'
import type { Card, Flash } from '../../src/lib/base/wire'
import { basketOf, isSpent } from '../../src/lib/shop/basket'
import { type BagItem, offerOf } from '../../src/lib/shop/offer'
import type { Attempt, AttemptPhase } from '../../src/lib/shop/order-desk'

const words = { zh: '', en: '' }

function item(id: string, price_fen: number, left: number, quantity = 1): BagItem {
  const product = {
    id,
    name: words,
    unit: words,
    image: '',
    price_fen,
    list_price_fen: price_fen,
    left,
    group: null,
  }
  const card: Card = { product, pinned_at_ms: 0, media_time: null }
  const terms = { quantity, route: null, confirm_above_fen: null }
  const offer = offerOf(card, null, [], null, 0, terms)
  return { card, head: id, options: [], group: null, offer, store: null, promise: null, delivery: null }
}

describe('basketOf', () => {
  const items = [item('tea', 990, 5, 2), item('pear', 800, 9), item('gone', 500, 0), item('rice', 3000, 1)]

  it('has a line with quantity and price for each picked product, and their sum', () => {
    expect(basketOf(items, new Set(['tea', 'rice']))).toEqual({
      lines: [
        { product_id: 'tea', quantity: 2, price_fen: 990 },
        { product_id: 'rice', quantity: 1, price_fen: 3000 },
      ],
      count: 3,
      total_fen: 4980,
      flash: null,
    })
  })

  const sale: Flash = {
    id: 'f1',
    product_id: 'tea',
    price_fen: 500,
    before_fen: 990,
    units: 9,
    left: 9,
    household_limit: 2,
    starts_at_ms: 10,
    ends_at_ms: 20,
    served: 0,
  }
  const teaOf = (sold: Flash, at_ms: number, spent: string | null = null) => {
    const { lines, flash } = basketOf(items, new Set(['tea', 'rice']), sold, at_ms, spent)
    return [lines[0]!.price_fen, flash?.price_fen]
  }

  it('has the line of a flash sale at its price while the sale gives as many units', () => {
    expect(teaOf(sale, 10)).toEqual([500, 500])
    expect(teaOf(sale, 9)).toEqual([990, undefined])
    expect(teaOf(sale, 20)).toEqual([990, undefined])
  })

  it('has the usual price, and says so, where the sale gives less', () => {
    expect(teaOf({ ...sale, left: 0 }, 10)).toEqual([990, null])
    expect(teaOf({ ...sale, household_limit: 1 }, 10)).toEqual([990, null])
    expect(teaOf(sale, 10, 'f1')).toEqual([990, null])
  })

  it('knows from attempts that a sale gives a household nothing more', () => {
    const line = { product_id: 'tea', quantity: 1, price_fen: 500 }
    const attempt = (phase: AttemptPhase, quantity = 1): Attempt => ({
      guest_id: null,
      key: 'k',
      order: { room_id: 'r', product_id: 'tea', quantity, price_fen: 500, lines: [line] },
      phase,
      tapped_at_ms: 0,
    })
    expect(isSpent(sale, [attempt('limit')])).toBe(true)
    expect(isSpent(sale, [attempt('flash_gone')])).toBe(true)
    expect(isSpent(sale, [attempt('placed')])).toBe(false)
    expect(isSpent({ ...sale, household_limit: 1 }, [attempt('placed')])).toBe(true)
    expect(isSpent({ ...sale, price_fen: 400 }, [attempt('limit')])).toBe(false)
  })

  it('leaves out what is sold out', () => {
    expect(basketOf(items, new Set(['gone', 'pear'])).lines.map((line) => line.product_id)).toEqual(['pear'])
  })
})
