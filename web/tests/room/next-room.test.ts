import { expect, test } from 'vitest'
import { NextRoomOffers } from '../../src/lib/room/next-room'

const next = (room_id: string, until_ms: number) => ({
  room_id,
  title: { zh: '海鲜', en: 'Seafood' },
  store: { zh: '梧桐店', en: 'Wutong' },
  until_ms,
})

test('a room is offered until its time, and never to those who are there', () => {
  const offers = new NextRoomOffers()
  expect(offers.offered('demo', next('other', 9), 8)?.room_id).toBe('other')
  expect(offers.offered('demo', next('other', 9), 9)).toBeNull()
  expect(offers.offered('other', next('other', 9), 8)).toBeNull()
  expect(offers.offered('demo', null, 8)).toBeNull()
})

test('who stayed or went is asked again by another offer only', () => {
  const offers = new NextRoomOffers()
  offers.done('demo', next('other', 9))
  expect(offers.offered('demo', next('other', 9), 1)).toBeNull()
  expect(offers.offered('demo', next('other', 10), 1)).not.toBeNull()
  expect(offers.offered('third', next('other', 9), 1)).not.toBeNull()
})
