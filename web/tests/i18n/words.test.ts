import { describe, expect, it } from 'vitest'
import { en } from '../../src/i18n/en'
import { zh } from '../../src/i18n/zh'

describe('the words', () => {
  it('have the group line', () => {
    expect(zh.group.open).toBe('本小区已有 {joined} 位邻居参团,还差 {left} 人成团!')
    expect(en.group.open).toContain('{joined} neighbours joined, {left} to go!')
  })
  it('have the same placeholders in both languages', () => {
    const names = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
    for (const [section, words] of Object.entries(zh))
      for (const [key, text] of Object.entries(words))
        expect(
          names(((en as never)[section] as Record<string, string>)[key] ?? ''),
          `${section}.${key}`,
        ).toEqual(names(text))
  })
})
