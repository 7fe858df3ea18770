/** A recorded room at any time is what its viewers saw then. */
import { expect, it } from 'vitest'
import type { Shown } from '../../src/lib/base/bodies'
import type { ChatLine } from '../../src/lib/base/wire'
import { ReplayRoom, answerFrom, placeIn, placeOf } from '../../src/lib/room/replay'
import { EMPTY_ROOM } from '../../src/lib/room/room-state'

const line = (id: string): ChatLine => ({
  id,
  from: { id: 'g', nickname: 'Li', role: 'guest' },
  text: id,
  at_ms: 1,
})
const SHOWN: Shown[] = [
  { s: 0, m: { t: 'snapshot', epoch: 'e', offset: 0, state: EMPTY_ROOM } },
  { s: 2, m: { t: 'tick', epoch: 'e', offset: 0, chat: [line('a')] } },
  { s: 4.5, m: { t: 'tick', epoch: 'e', offset: 0, chat: [line('b')] } },
]

it('shows what was said up to the time that plays, forwards and backwards', () => {
  const room = new ReplayRoom(SHOWN)
  const said = (seconds: number) => room.at(seconds).chat.map(({ id }) => id)
  expect(said(0)).toEqual([])
  expect(said(4.4)).toEqual(['a'])
  expect(said(9)).toEqual(['a', 'b'])
  expect(said(3)).toEqual(['a'])
  expect(said(1.9)).toEqual([])
})

it('gives the same state again while nothing happens', () => {
  const room = new ReplayRoom(SHOWN)
  expect(room.at(2.5)).toBe(room.at(3))
})

it.each([
  [0, '0:00'],
  [65_400, '1:05'],
  [3_723_000, '1:02:03'],
])('writes %i ms as %s and reads it again', (ms, text) => {
  expect(placeOf(ms)).toBe(text)
  expect(placeIn(text)).toBe(Math.floor(ms / 1000) * 1000)
})

it.each(['', 'abc', '1', '1:99', '1:2:3:4'])('takes "%s" for no place', (text) => {
  expect(placeIn(text)).toBeNull()
})

it.each([
  [65_000, 50_000],
  [9_000, 0],
  [null, null],
])('plays the answer that was marked at %s ms from %s ms on', (start_ms, from_ms) => {
  const answer = { id: 'q', text: '?', nickname: 'Li', votes: 1, answered_at_ms: 1, start_ms }
  expect(answerFrom(answer)).toBe(from_ms)
})
