import { describe, expect, it } from 'vitest'
import { type Promises, presaleOf, presaleSpan, promiseOf, promisedRoute } from '../../src/lib/shop/promise'
import { dayOf, minutesLate, spanText } from '../../src/lib/shop/promise-text'

const at = (day: number, hour: number, minute = 0) => new Date(2026, 5, day, hour, minute).getTime()
const PROMISES: Promises = {
  pickup: [
    { store_id: 's2', from_ms: at(1, 18, 30), until_ms: at(1, 19) },
    { store_id: 's1', from_ms: null, until_ms: null },
  ],
  delivery: [],
  now_ms: at(1, 18),
}

describe('a promise', () => {
  it('puts the stores in the order of the server', () => {
    expect(promisedRoute(PROMISES, 'pickup', ['s1', 's2'])).toEqual(['s2', 's1'])
    expect(promisedRoute(PROMISES, 'delivery', ['s1', 's2'])).toEqual(['s1', 's2'])
    expect(promisedRoute(null, 'pickup', null)).toBeNull()
  })
  it('has times where the store counts them', () => {
    expect(promiseOf(PROMISES, 'pickup', 's2')).toEqual({ from_ms: at(1, 18, 30), until_ms: at(1, 19) })
    expect(promiseOf(PROMISES, 'pickup', 's1')).toBeNull()
    expect(promiseOf(PROMISES, 'delivery', 's2')).toBeNull()
  })
  it('is said with its day', () => {
    expect(spanText({ from_ms: at(1, 18, 30), until_ms: at(1, 19) }, 'zh')).toBe('18:30–19:00')
    expect(dayOf(at(1, 23, 59), at(1, 0))).toBe('today')
    expect(dayOf(at(2, 0), at(1, 23, 59))).toBe('tomorrow')
    expect(dayOf(at(3, 9), at(1, 23))).toBe('later')
  })
  it('is late by whole minutes', () => {
    expect(minutesLate(at(1, 19), at(1, 18))).toBe(0)
    expect(minutesLate(at(1, 19), at(1, 19, 7))).toBe(7)
  })
})

describe('a presale', () => {
  const meals = {
    product_ids: ['meal'],
    cut_off_ms: at(5, 20),
    from_ms: at(6, 10),
    until_ms: at(6, 12),
    pickup: [{ store_id: 's2', from_ms: at(6, 10), until_ms: at(6, 12) }],
    delivery: [],
  }
  const promises = { ...PROMISES, presales: [meals] }

  it('promises its own hand-over, and until when to order', () => {
    expect(presaleOf(promises, 'tea')).toBeNull()
    const found = presaleOf(promises, 'meal')
    expect(found).toBe(meals)
    expect(promisedRoute(found, 'pickup', ['s1', 's2'])).toEqual(['s2'])
    expect(presaleSpan(meals)).toEqual({ from_ms: at(6, 10), until_ms: at(6, 12), order_by_ms: at(5, 20) })
  })
})
