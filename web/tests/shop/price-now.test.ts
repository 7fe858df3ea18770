import { expect, test } from 'vitest'
import type { Flash, Group } from '../../src/lib/base/wire'
import { flashFor, priceNow } from '../../src/lib/shop/price-now'

const tea = { id: 'tea', price_fen: 2_000 }
const flash = (price_fen: number, left = 3): Flash => ({
  id: 'f1',
  product_id: 'tea',
  price_fen,
  before_fen: 2_000,
  units: 9,
  left,
  household_limit: 1,
  starts_at_ms: 10,
  ends_at_ms: 20,
  served: 0,
})
const group = (price_fen: number, steps: Group['steps'] = []) => ({ price_fen, steps, joined: 12 }) as Group

test('a flash sale shows its price while it runs and has units, and the plain one struck', () => {
  expect(priceNow(tea, null, flash(900), 10)).toEqual({ fen: 900, was_fen: 2_000 })
  for (const at_ms of [9, 20]) expect(priceNow(tea, null, flash(900), at_ms).fen).toBe(2_000)
  expect(priceNow(tea, null, flash(900, 0), 10)).toEqual({ fen: 2_000, was_fen: null })
  expect(flashFor({ id: 'milk' }, flash(900), 2_000, 10)).toBeNull()
})

test('no price that is shown is above the plain one', () => {
  expect(priceNow(tea, null, flash(2_500), 10)).toEqual({ fen: 2_000, was_fen: null })
  expect(priceNow(tea, group(2_500), null, 10)).toEqual({ fen: 2_000, was_fen: null })
})

test('of a group and a flash sale the lower price is shown, by the step that is reached', () => {
  const steps = [
    { joined: 5, price_fen: 1_500 },
    { joined: 12, price_fen: 1_200 },
    { joined: 20, price_fen: 800 },
  ]
  expect(priceNow(tea, group(1_500, steps), null, 10)).toEqual({ fen: 1_200, was_fen: 2_000 })
  expect(priceNow(tea, group(1_500, steps), flash(1_300), 10).fen).toBe(1_200)
  expect(priceNow(tea, group(1_500, steps), flash(900), 10).fen).toBe(900)
})
