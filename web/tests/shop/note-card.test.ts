import { describe, expect, it } from 'vitest'
import { isEmpty, tipIn } from '../../src/lib/shop/note-card'

describe('note card', () => {
  it('is read in the other language where it is written in that alone', () => {
    const card = { words: { zh: '小火', en: '' }, photo: '' }
    expect([tipIn('zh-CN', card), tipIn('en', card)]).toEqual(['小火', '小火'])
    expect(tipIn('en', { words: { zh: '小火', en: 'low heat' }, photo: '' })).toBe('low heat')
  })
  it('is empty without words and photo', () => {
    expect(isEmpty({ words: { zh: ' ', en: '' }, photo: '' })).toBe(true)
    expect(isEmpty({ words: { zh: '', en: '' }, photo: '/pictures/tea/1.webp' })).toBe(false)
  })
})
