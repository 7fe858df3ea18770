import { describe, expect, it } from 'vitest'
import type { Group } from '../../src/lib/base/wire'
import { stepsOf } from '../../src/lib/shop/group-steps'

const group = (joined: number): Group => ({
  id: 'g',
  product_id: 'pear',
  estate_id: 'e1',
  joined,
  target: 10,
  price_fen: 600,
  state: 'reached',
  ends_at_ms: 0,
  steps: [
    { joined: 10, price_fen: 600 },
    { joined: 20, price_fen: 550 },
  ],
})

describe('the steps of a group', () => {
  it('name what all pay now and what the next one needs', () => {
    expect(stepsOf(group(9))).toEqual({ price_fen: 600, next: { joined: 10, price_fen: 600 } })
    expect(stepsOf(group(10))).toEqual({ price_fen: 600, next: { joined: 20, price_fen: 550 } })
    expect(stepsOf(group(31))).toEqual({ price_fen: 550, next: null })
  })
})
