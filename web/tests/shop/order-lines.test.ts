import { describe, expect, it } from 'vitest'
import { contents, otherGoods, unitsOf } from '../../src/lib/shop/order-lines'
import type { OrderLine } from '../../src/lib/base/wire'

const words = (zh: string) => ({ zh, en: zh })
const line = (id: string, quantity: number, parts: [string, number][] = []): OrderLine => ({
  product_id: id,
  name: words(id),
  image: '',
  quantity,
  total_fen: 100,
  parts: parts.map(([part, units]) => ({
    product_id: part,
    name: words(part),
    image: '',
    units,
    share_fen: 50,
  })),
})
const order = (lines?: OrderLine[]) => ({ name: words('tea'), quantity: 2, lines })

describe('contents of an order', () => {
  it('are none for one item, whose name and quantity say all', () => {
    expect(contents(order())).toEqual([])
    expect(otherGoods(order())).toBe(0)
  })

  it('are the parts for one set', () => {
    const found = contents(
      order([
        line('dinner', 2, [
          ['fish', 2],
          ['rice', 4],
        ]),
      ]),
    )
    expect(found.map((item) => [item.name.zh, item.units, item.part])).toEqual([
      ['fish', 2, true],
      ['rice', 4, true],
    ])
  })

  it('are every line, each set with its parts, for several goods', () => {
    const bag = order([line('tea', 2), line('dinner', 1, [['fish', 1]])])
    expect(otherGoods(bag)).toBe(1)
    expect(contents(bag).map((item) => [item.name.zh, item.units, item.part])).toEqual([
      ['tea', 2, false],
      ['dinner', 1, false],
      ['fish', 1, true],
    ])
  })

  it('are counted in units, also where an order of one item has no lines', () => {
    expect(unitsOf(order([line('tea', 2), line('dinner', 1)]))).toBe(3)
    expect(unitsOf({ ...order([]), quantity: 4 })).toBe(4)
  })
})
