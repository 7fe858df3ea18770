import { describe, expect, it } from 'vitest'
import type { Card } from '../../src/lib/base/wire'
import { basketOf } from '../../src/lib/shop/basket'
import { type BagItem, offerOf } from '../../src/lib/shop/offer'

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
    })
  })

  it('leaves out what is sold out', () => {
    expect(basketOf(items, new Set(['gone', 'pear'])).lines.map((line) => line.product_id)).toEqual(['pear'])
  })
})
