import { describe, expect, it } from 'vitest'
import { LANES, keepingOlder, laneOf, withOlder, withOrder } from '../../src/lib/shop/board'
import type { StoreOrder } from '../../src/lib/base/wire'
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
  it('shows what is out among what is ready, and what is delivered among what is handed over', () => {
    const orders = [
      storeOrder({ id: 'o', state: 'out' }),
      storeOrder({ id: 'd', state: 'delivered', handed_over_at_ms: 1 }),
      storeOrder({ id: 'r', state: 'returned' }),
    ]
    expect(LANES.map((lane) => laneOf(orders, lane).map((one) => one.id))).toEqual([[], [], [], ['o'], ['d']])
  })
  const done = (id: string) => storeOrder({ id, state: 'handed_over' })
  const board = (now_ms: number, next: string | null, ...orders: StoreOrder[]) => ({
    orders,
    waiting: [],
    waiting_orders: [],
    now_ms,
    next,
  })
  const ids = ({ orders }: { orders: StoreOrder[] }) => orders.map((order) => order.id)
  it('adds a page of older orders and takes its cursor', () => {
    const shown = withOlder(board(0, 'b', done('c'), done('b')), {
      orders: [done('b'), done('a')],
      next: null,
    })
    expect(ids(shown)).toEqual(['c', 'b', 'a'])
    expect(shown.next).toBeNull()
  })
  it('keeps older orders when it is listed again', () => {
    const shown = board(0, 'a', storeOrder({ id: 'd' }), done('c'), done('b'))
    const again = keepingOlder(shown, board(1, 'c', done('d'), done('c')))
    expect(ids(again)).toEqual(['d', 'c', 'b'])
    expect(again.next).toBe('a')
    expect(ids(keepingOlder(shown, board(1, 'x')))).toEqual(['c', 'b'])
  })
  it('starts again when orders between two lists may be missing', () => {
    const shown = board(0, 'a', done('c'), done('b'))
    expect(keepingOlder(shown, board(1, 'y', done('z'), done('y'))).next).toBe('y')
    expect(keepingOlder(shown, board(7_200_000, 'c')).next).toBe('c')
  })
  it('replaces a known order', () => {
    const orders = withOrder(withOrder([], storeOrder()), storeOrder({ state: 'picking' }))
    expect(orders).toHaveLength(1)
    expect(orders[0]?.state).toBe('picking')
  })
})
