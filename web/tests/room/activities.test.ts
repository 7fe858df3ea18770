import { describe, expect, it } from 'vitest'
import { pollPhase, shares } from '../../src/lib/room/activities'

const poll = { id: 'p', question: '?', options: ['a', 'b', 'c'], votes: [1, 1, 1], closes_at_ms: 1000 }

describe('activities of a room', () => {
  it('shows a poll until a minute after its end', () => {
    expect(pollPhase(poll, 999)).toBe('open')
    expect(pollPhase(poll, 1000)).toBe('closed')
    expect(pollPhase(poll, 60_999)).toBe('closed')
    expect(pollPhase(poll, 61_000)).toBeNull()
    expect(pollPhase(null, 0)).toBeNull()
  })
  it('has shares that add up to 100', () => {
    expect(shares([1, 1, 1])).toEqual([34, 33, 33])
    expect(shares([0, 0])).toEqual([0, 0])
    for (let n = 1; n < 200; n += 7) {
      const sum = shares([n, 3, 2 * n, 1]).reduce((total, part) => total + part, 0)
      expect(sum).toBe(100)
    }
  })
})
