import { describe, expect, it } from 'vitest'
import vectors from '../../../tests/vectors/group_steps.json'
import type { Group } from '../../src/lib/base/wire'
import { stepsOf } from '../../src/lib/shop/group-steps'

const group = (joined: number): Group => ({
  id: 'g',
  product_id: 'pear',
  estate_id: 'e1',
  joined,
  target: 10,
  price_fen: vectors.price_fen,
  state: 'reached',
  ends_at_ms: 0,
  steps: vectors.steps,
})

describe('the steps of a group', () => {
  it.each(vectors.cases)('with $joined neighbours name the price and the next that is lower', (found) => {
    const { joined, price_fen, next } = found
    expect(stepsOf(group(joined))).toEqual({ price_fen, next })
  })
})
