import { describe, expect, it } from 'vitest'
import { localText, pickLocale } from '../../src/lib/base/locale'

describe('the locale', () => {
  it.each([
    [null, ['zh-TW', 'en'], 'zh'],
    [null, ['fr-FR', 'en-US'], 'en'],
    [null, ['fr-FR'], 'en'],
    [null, [], 'zh'],
    ['en', ['zh-CN'], 'en'],
    ['xx', ['zh-CN'], 'zh'],
  ] as const)('remembered %s, browser %j → %s', (remembered, languages, expected) => {
    expect(pickLocale(remembered, languages)).toBe(expected)
  })
  it('falls back to the other language', () => {
    expect(localText({ zh: '菠菜', en: '' }, 'en')).toBe('菠菜')
    expect(localText(null, 'zh')).toBe('')
  })
})
