import { describe, expect, it } from 'vitest'
import { OrderKeeper } from '../../src/lib/shop/kept-orders'
import { Memory } from '../../src/lib/base/storage'
import { order } from '../support/fixtures'

function storage(): Memory {
  return new Memory(() => {
    throw new Error('no storage but its own memory')
  })
}

describe('kept orders', () => {
  it('are those of the guest, with the time of the server’s answer', () => {
    const keeper = new OrderKeeper(storage())
    keeper.keep('u1', { orders: [order({ state: 'ready' })], at_ms: 5 })
    expect(keeper.of('u1')).toMatchObject({ orders: [{ id: 'o1', state: 'ready' }], at_ms: 5 })
  })

  it('are dropped when the device is another guest’s', () => {
    const keeper = new OrderKeeper(storage())
    keeper.keep('u1', { orders: [order()], at_ms: 5 })
    expect(keeper.of('u2')).toBeNull()
    expect(keeper.of('u1')).toBeNull()
  })

  it('are the newest thirty', () => {
    const keeper = new OrderKeeper(storage())
    const many = Array.from({ length: 40 }, (_, at) => order({ id: `o${at}` }))
    keeper.keep('u1', { orders: many, at_ms: 5 })
    expect(keeper.of('u1')?.orders.map(({ id }) => id)).toEqual(many.slice(0, 30).map(({ id }) => id))
  })

  it.each(['{', '[]', '{"guest_id":"u1"}', '{"guest_id":"u1","orders":[],"at_ms":"soon"}'])(
    'are none where the storage holds %s',
    (text) => {
      const broken = storage()
      broken.setItem('linli.orders', text)
      expect(new OrderKeeper(broken).of('u1')).toBeNull()
    },
  )
})
