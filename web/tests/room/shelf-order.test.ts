import { describe, expect, it } from 'vitest'
import { matches, moved } from '../../src/lib/room/shelf-order'

describe('a list of goods', () => {
  it('keeps all of its goods when one is moved', () => {
    const list = ['a', 'b', 'c', 'd']
    expect(moved(list, 0, 2)).toEqual(['b', 'c', 'a', 'd'])
    expect(moved(list, 3, 0)).toEqual(['d', 'a', 'b', 'c'])
    expect(moved(list, 1, 9)).toEqual(['a', 'c', 'd', 'b'])
    expect(moved(list, 2, -1)).toEqual(['c', 'a', 'b', 'd'])
    expect(moved(list, 7, 0)).toEqual(list)
  })
  it('is searched in both languages, word by word', () => {
    const name = { zh: '有机草莓', en: 'Organic strawberries' }
    expect(matches(name, '草莓')).toBe(true)
    expect(matches(name, ' straw  organic ')).toBe(true)
    expect(matches(name, '')).toBe(true)
    expect(matches(name, 'straw 蛋')).toBe(false)
  })
})
