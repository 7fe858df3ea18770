import { expect, test } from 'vitest'
import { daysUntil, nextLive } from '../../src/lib/room/schedule'

const live = (id: string, starts_at_ms: number) => ({ id, title: id, teaser: '', starts_at_ms, goods: [] })
const HOUR_MS = 3_600_000

test('a live is expected until an hour after its time, then the next one is', () => {
  const upcoming = [live('a', HOUR_MS), live('b', 9 * HOUR_MS)]
  expect(nextLive(upcoming, 0)?.id).toBe('a')
  expect(nextLive(upcoming, 2 * HOUR_MS - 1)?.id).toBe('a')
  expect(nextLive(upcoming, 2 * HOUR_MS)?.id).toBe('b')
  expect(nextLive(upcoming, 10 * HOUR_MS)).toBeNull()
})

test('the time until a live is in whole days and a rest, never negative', () => {
  expect(daysUntil(50 * HOUR_MS, 0)).toEqual({ days: 2, rest_ms: 2 * HOUR_MS })
  expect(daysUntil(0, HOUR_MS)).toEqual({ days: 0, rest_ms: 0 })
})
