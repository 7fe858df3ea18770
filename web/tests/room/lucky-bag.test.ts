import { describe, expect, it } from 'vitest'
import type { Draw } from '../../src/lib/base/wire'
import { drawPhase, presenceIsDue } from '../../src/lib/room/lucky-bag'

const draw: Draw = {
  id: 'd',
  product_id: 'tea',
  name: { zh: '茶', en: 'Tea' },
  image: '/goods/tea.svg',
  winners: 1,
  word: '',
  estate_id: '',
  stay: true,
  state: 'open',
  entries: 0,
  opened_at_ms: 0,
  closes_at_ms: 100_000,
  ended_at_ms: null,
  void_reason: null,
  commitment: 'c',
  entries_hash: null,
  seed: null,
  winning: [],
  nicknames: [],
}

describe('a lucky bag', () => {
  it('is open until its end, then drawn, and shown for five minutes', () => {
    expect(drawPhase(null, 0)).toBeNull()
    expect(drawPhase(draw, 99_999)).toBe('open')
    expect(drawPhase(draw, 100_000)).toBe('drawing')
    const revealed: Draw = { ...draw, state: 'revealed', ended_at_ms: 103_000 }
    expect(drawPhase(revealed, 402_999)).toBe('revealed')
    expect(drawPhase(revealed, 403_000)).toBeNull()
  })
  it('asks for presence in its last moments, not of all pages at once', () => {
    expect(presenceIsDue(draw, 69_999, 0)).toBe(false)
    expect(presenceIsDue(draw, 70_000, 0)).toBe(true)
    expect(presenceIsDue(draw, 80_000, 0.99)).toBe(false)
    expect(presenceIsDue(draw, 99_999, 0.99)).toBe(true)
    expect(presenceIsDue(draw, 100_000, 0)).toBe(false)
    expect(presenceIsDue({ ...draw, stay: false }, 90_000, 0)).toBe(false)
  })
})
