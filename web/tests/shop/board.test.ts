import { describe, expect, it } from 'vitest'
import { laneOf, withOrder } from '../../src/lib/shop/board'
import { storeOrder } from '../support/fixtures'

describe('the board', () => {
  it('sorts open orders by due time and handed over ones by the latest', () => {
    const orders = [
      storeOrder({ id: 'b', due_at_ms: 200 }),
      storeOrder({ id: 'a', due_at_ms: 100 }),
      storeOrder({ id: 'x', state: 'handed_over', handed_over_at_ms: 1 }),
      storeOrder({ id: 'y', state: 'handed_over', handed_over_at_ms: 2 }),
    ]
    expect(laneOf(orders, 'new').map((one) => one.id)).toEqual(['a', 'b'])
    expect(laneOf(orders, 'handed_over').map((one) => one.id)).toEqual(['y', 'x'])
  })
  it('replaces a known order', () => {
    const orders = withOrder(withOrder([], storeOrder()), storeOrder({ state: 'picking' }))
    expect(orders).toHaveLength(1)
    expect(orders[0]?.state).toBe('picking')
  })
})
