import { expect, test } from 'vitest'
import { asField, byDay, endOf, weekOf } from '../../src/lib/hq/schedule'

const live = (id: string, at: Date) => ({
  id,
  room_id: 'demo',
  title: id,
  teaser: '',
  product_ids: [],
  starts_at_ms: at.getTime(),
  conflict: false,
})

test('a week begins on Monday, also on a Sunday, and over the end of a month', () => {
  const sunday = new Date(2026, 10, 1, 23, 59).getTime()
  const week = weekOf(sunday)
  expect([week[0]!.getMonth(), week[0]!.getDate()]).toEqual([9, 26])
  expect(weekOf(sunday, 1)[0]!.getTime()).toBe(endOf(week).getTime())
})

test('each live is on one day of its week', () => {
  const week = weekOf(new Date(2026, 10, 4).getTime())
  const lives = [live('a', week[0]!), live('b', new Date(endOf(week).getTime() - 1)), live('c', endOf(week))]
  expect(byDay(week, lives).map((day) => day.map(({ id }) => id))).toEqual([['a'], [], [], [], [], [], ['b']])
})

test('a moment fits the field for it', () => {
  expect(asField(new Date(2026, 0, 5, 9, 7).getTime())).toBe('2026-01-05T09:07')
})
