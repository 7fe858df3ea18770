import { describe, expect, it } from 'vitest'
import { type Capacity, type OfficeOrder, columnsOf, fullness, isLate, onTime } from '../../src/lib/hq/orders'

const words = { zh: '', en: '' }
const window = (from_ms: number, taken = 0, held = 0, name = `${from_ms}`) => ({
  name,
  from_ms,
  until_ms: from_ms + 10,
  capacity: 4,
  taken,
  held,
})
const store = (windows: ReturnType<typeof window>[], ready = 0, late = 0) => ({
  store: { id: 's', name: words, address: words },
  packers: 1,
  orders_per_packer_hour: 8,
  closed_until_ms: 0,
  ready,
  late,
  windows,
})
const order = (more: Partial<OfficeOrder>): OfficeOrder => ({
  id: 'o',
  number: '1',
  state: 'new',
  name: words,
  estate_name: words,
  store: store([]).store,
  fulfilment: 'pickup',
  promised: null,
  total_fen: 1,
  refunded_fen: 0,
  created_at_ms: 0,
  due_at_ms: 100,
  ready_at_ms: null,
  routes: 0,
  ...more,
})

describe('capacity', () => {
  it('counts what is taken and what is on its way', () => {
    expect(fullness(window(0, 2, 1))).toBe(0.75)
    expect(fullness({ ...window(0), capacity: 0 })).toBe(0)
  })
  it('has a column for each window that is not over, of any store, and none for waves', () => {
    const capacity: Capacity = {
      stores: [store([window(0), window(30)]), store([window(20), window(30), window(40, 0, 0, 'w9')])],
      now_ms: 15,
    }
    expect(columnsOf(capacity)).toEqual([20, 30])
  })
  it('has no share on time before the first order', () => {
    expect(onTime(store([]))).toBeNull()
    expect(onTime(store([], 4, 1))).toBe(0.75)
  })
  it('tells late orders by when they were ready, or by now', () => {
    expect(isLate(order({ ready_at_ms: 101, state: 'ready' }), 0)).toBe(true)
    expect(isLate(order({ ready_at_ms: 99, state: 'ready' }), 500)).toBe(false)
    expect(isLate(order({}), 101)).toBe(true)
    expect(isLate(order({ state: 'cancelled' }), 101)).toBe(false)
  })
})
