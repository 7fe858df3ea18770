import { describe, expect, it } from 'vitest'
import { changed } from '../../src/lib/hq/places'

describe('an edit', () => {
  it('sends only what is not as it was', () => {
    const before = { name: { zh: '甲', en: 'a' }, stores: ['s1', 's2'], rings: 1 }
    expect(changed(before, { ...before, name: { zh: '甲', en: 'a' } })).toEqual({})
    expect(changed(before, { ...before, stores: ['s2', 's1'] })).toEqual({ stores: ['s2', 's1'] })
  })
})
