import { describe, expect, it } from 'vitest'
import { lateOnes, matches, needsServer, nextOfBatch, wavesOf, zonesOf } from '../../src/lib/shop/waves'
import { storeOrder } from '../support/fixtures'

describe('waves', () => {
  it('are groups first, then single orders, each in the order of its bags', () => {
    const orders = [
      storeOrder({ id: 'a', number: '4', created_at_ms: 4, group_id: null }),
      storeOrder({ id: 'b', number: '3', created_at_ms: 3, group_id: null, due_at_ms: 70 }),
      storeOrder({ id: 'c', number: '2', created_at_ms: 2, group_id: 'g', due_at_ms: 90 }),
      storeOrder({ id: 'd', number: '1', created_at_ms: 1, group_id: 'g', due_at_ms: 80 }),
      storeOrder({ id: 'e', group_id: 'alone' }),
      storeOrder({ id: 'f', state: 'ready' }),
    ]
    const waves = wavesOf(orders, 'new')
    expect(waves.map((wave) => [wave.id, wave.due_at_ms, wave.orders.map(({ id }) => id)])).toEqual([
      ['g', 80, ['d', 'c']],
      ['singles', 70, ['b', 'a']],
    ])
    expect(wavesOf(orders, 'ready')).toEqual([])
  })
  it('keep the single orders of a presale together, and move a batch on by its earliest state', () => {
    const orders = ['a', 'b'].map((id) => storeOrder({ id, group_id: null, wave: 'w990100' }))
    expect(wavesOf(orders, 'new').map(({ id, group_id }) => [id, group_id])).toEqual([['w990100', null]])
    const open_orders = [
      { order_id: 'a', state: 'picking' as const },
      { order_id: 'b', state: 'new' as const },
    ]
    const batch = { from_ms: 0, until_ms: 1, orders: 3, packed: 1, open_orders, items: [] }
    expect(nextOfBatch(batch)).toEqual({ to: 'picking', ids: ['b'] })
    expect(nextOfBatch({ ...batch, open_orders: open_orders.slice(0, 1) })?.to).toBe('packed')
    expect(nextOfBatch({ ...batch, open_orders: [] })).toBeNull()
  })
  it('keep the zones of a pick list in its order', () => {
    const item = (zone: string, product_id: string) => ({
      zone,
      product_id,
      name: { zh: '', en: '' },
      unit: { zh: '', en: '' },
      image: '',
      units: 1,
      bags: [],
    })
    const zones = zonesOf([item('', 'a'), item('chilled', 'b'), item('chilled', 'c')])
    expect(zones.map(({ zone, items }) => [zone, items.length])).toEqual([
      ['', 1],
      ['chilled', 2],
    ])
  })
  it('are late when their time is over and they are not ready', () => {
    const orders = [
      storeOrder({ id: 'a', due_at_ms: 5 }),
      storeOrder({ id: 'b', due_at_ms: 5, state: 'ready' }),
      storeOrder({ id: 'c', due_at_ms: null }),
    ]
    expect(lateOnes(orders, 6).map(({ id }) => id)).toEqual(['a'])
    expect(lateOnes(orders, 5)).toEqual([])
  })
})

describe('a search on the board', () => {
  const order = storeOrder({ number: 'A-1023' })
  it('finds by part of the name or the number', () => {
    expect(matches(order, '#a-102')).toBe(true)
    expect(matches(order, order.buyer.nickname.slice(1))).toBe(true)
    expect(matches(order, 'nobody')).toBe(false)
    expect(matches(order, ' ')).toBe(true)
  })
  it('asks the server for phone digits and pickup codes only', () => {
    expect(['1234', 'ABCD-EFGH-J'].map(needsServer)).toEqual([true, true])
    expect(['12', '李阿姨', 'A-1023'].map(needsServer)).toEqual([false, false, false])
  })
})
