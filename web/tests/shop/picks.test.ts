import { describe, expect, it } from 'vitest'
import { isSettled, openOffers, partsOf, settledPicks } from '../../src/lib/shop/picks'
import type { OrderPick } from '../../src/lib/base/wire'
import { storeOrder } from '../support/fixtures'

const name = { zh: '豆腐', en: 'Tofu' }
const pick = (line: number, part: number, state: OrderPick['state']): OrderPick => ({
  line,
  part,
  product_id: 'tofu',
  name,
  state,
  missing_units: 1,
  substitute: null,
  answer_by_ms: 100,
})

describe('the parts of an order', () => {
  it('are one item by itself, or items and parts of sets by line', () => {
    const one = storeOrder({ quantity: 3, lines: undefined })
    expect(partsOf(one).map(({ line, part, units }) => [line, part, units])).toEqual([[0, 0, 3]])
    const line = { product_id: 'p', name, image: '', total_fen: 1 }
    const set = { product_id: 'tofu', name, image: '', share_fen: 1 }
    const several = storeOrder({
      lines: [
        { ...line, quantity: 2 },
        {
          ...line,
          quantity: 1,
          parts: [
            { ...set, units: 4 },
            { ...set, units: 5 },
          ],
        },
      ],
      picks: [pick(1, 1, 'short')],
    })
    const parts = partsOf(several)
    expect(parts.map(({ line, part, units }) => [line, part, units])).toEqual([
      [0, 0, 2],
      [1, 0, 4],
      [1, 1, 5],
    ])
    expect(parts.map(isSettled)).toEqual([false, false, true])
  })
  it('are offered until the answer is due', () => {
    const picks = [pick(0, 0, 'offered'), pick(0, 1, 'found')]
    expect(openOffers(picks, 99)).toEqual([picks[0]])
    expect(openOffers(picks, 100)).toEqual([])
    expect(openOffers(undefined, 0)).toEqual([])
    expect(settledPicks([...picks, pick(0, 2, 'short')]).map(({ part }) => part)).toEqual([2])
  })
})
