import { describe, expect, it } from 'vitest'
import { nextPresale } from '../../src/lib/hq/presales'

describe('a new presale', () => {
  it('begins with the next Friday evening whose cut-off is to come', () => {
    const monday = nextPresale(new Date(2026, 5, 1, 9).getTime())
    expect(monday).toEqual({
      cut_off: '2026-06-05T20:00',
      ready: '2026-06-06T10:00',
      until: '2026-06-06T12:00',
    })
    expect(nextPresale(new Date(2026, 5, 5, 19, 59).getTime())).toEqual(monday)
    expect(nextPresale(new Date(2026, 5, 5, 20).getTime()).cut_off).toBe('2026-06-12T20:00')
  })
})
