import { expect, test } from 'vitest'
import { withLinked } from '../../src/lib/room/linked'
import { card } from '../support/fixtures'

const pinned = (id: string, pinned_at_ms: number, left = 9) => ({ ...card({ id, left }), pinned_at_ms })
const ids = (cards: { product: { id: string } }[]) => cards.map(({ product }) => product.id)

test('a linked product lies on top of what was pinned before, and below what is pinned later', () => {
  const linked = pinned('tea', 50)
  expect(withLinked([pinned('a', 40)], null).length).toBe(1)
  expect(ids(withLinked([], linked))).toEqual(['tea'])
  expect(ids(withLinked([pinned('a', 40), pinned('b', 30)], linked))).toEqual(['tea', 'a', 'b'])
  expect(ids(withLinked([pinned('c', 60), pinned('a', 40)], linked))).toEqual(['c', 'tea', 'a'])
  expect(ids(withLinked([pinned('c', 60)], linked))).toEqual(['c', 'tea'])
})

test('a linked product that is pinned, too, is one card with the stock of the room', () => {
  const cards = withLinked([pinned('a', 40), pinned('tea', 30, 2)], pinned('tea', 50, 7))
  expect(ids(cards)).toEqual(['tea', 'a'])
  expect(cards[0]?.product.left).toBe(2)
  expect(ids(withLinked([pinned('tea', 60), pinned('a', 40)], pinned('tea', 50)))).toEqual(['tea', 'a'])
})
