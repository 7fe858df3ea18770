import { expect, it } from 'vitest'
import { hoursToday } from '../../src/lib/shop/hours'

const week = ['07:30-21:00', '07:30-21:00', '07:30-21:00', '07:30-21:00', '07:30-21:00', '08:00-20:00', '']

it('has the hours of the day in China', () => {
  expect(hoursToday(week, Date.UTC(2026, 4, 3, 15))).toBe('') // Sunday, 23:00 there
  expect(hoursToday(week, Date.UTC(2026, 4, 3, 17))).toBe('07:30–21:00') // Monday, 01:00
  expect(hoursToday(week, Date.UTC(2026, 4, 2, 4))).toBe('08:00–20:00')
})

it('has none where the store states none', () => {
  expect(hoursToday([], 0)).toBeNull()
})
