import { describe, expect, it } from 'vitest'
import {
  type Outgoing,
  conflictsOf,
  readWaiting,
  takenBack,
  waitingOrders,
  withOutgoing,
} from '../../src/lib/shop/outgoing'
import type { OrderState } from '../../src/lib/base/wire'
import { storeOrder } from '../support/fixtures'

const out = (key: string, to: OrderState, ...ids: string[]): Outgoing => ({
  key,
  to,
  slot: to === 'packed' ? 'A1' : '',
  orders: ids.map((id) => ({ id, number: `N-${id}` })),
  at_ms: 1,
})

describe('moves that wait to be sent', () => {
  it('show orders where the last of them takes them', () => {
    const orders = [storeOrder({ id: 'a' }), storeOrder({ id: 'b' })]
    const shown = withOutgoing(orders, [out('1', 'picking', 'a'), out('2', 'packed', 'a')])
    expect(shown.map(({ state, slot }) => [state, slot])).toEqual([
      ['packed', 'A1'],
      ['new', undefined],
    ])
    expect(withOutgoing(orders, [])).toBe(orders)
  })
  it('are counted by order', () => {
    expect(waitingOrders([out('1', 'picking', 'a', 'b'), out('2', 'packed', 'a')])).toBe(2)
  })
  it('name the orders that did not go along', () => {
    const answers = [
      { order_id: 'a', outcome: 'moved' as const, state: 'picking' as const },
      { order_id: 'b', outcome: 'already' as const, state: 'picking' as const },
      { order_id: 'c', outcome: 'refused' as const, state: 'cancelled' as const },
      { order_id: 'd', outcome: 'unknown' as const, state: null },
    ]
    expect(conflictsOf(out('1', 'picking', 'a', 'b', 'c', 'd'), answers)).toEqual([
      { number: 'N-c', to: 'picking', state: 'cancelled' },
      { number: 'N-d', to: 'picking', state: null },
    ])
  })
  it('are taken back only while nothing follows on them', () => {
    const both = [out('1', 'picking', 'a'), out('2', 'packed', 'a'), out('3', 'picking', 'b')]
    expect(takenBack(both, '1')).toBeNull()
    expect(takenBack(both, '2')?.map(({ key }) => key)).toEqual(['1', '3'])
    expect(takenBack(both, 'x')).toBeNull()
  })
  it('come back from the browser, and what cannot be read does not', () => {
    const kept = [out('1', 'picking', 'a'), { key: 2 }, null]
    expect(readWaiting(JSON.stringify(kept))).toEqual([kept[0]])
    for (const wrong of [null, '', '{', '{}', '7']) expect(readWaiting(wrong)).toEqual([])
  })
})
