/** Which of our two languages a reader gets, and localised text in it. */
import type { LocalText } from './wire'

export type Locale = 'zh' | 'en'

/** The remembered choice, else the first of the reader's languages that we speak, else Chinese. */
export function pickLocale(remembered: string | null, languages: readonly string[]): Locale {
  if (remembered === 'zh' || remembered === 'en') return remembered
  for (const language of languages) {
    const tag = language.toLowerCase()
    if (tag.startsWith('zh')) return 'zh'
    if (tag.startsWith('en')) return 'en'
  }
  // A reader of neither language is more likely to know English than Chinese.
  return languages.length > 0 ? 'en' : 'zh'
}

/** The text in `locale`, or in the other language when it is missing. */
export function localText(text: LocalText | null | undefined, locale: Locale): string {
  if (!text) return ''
  return text[locale] || text.zh || text.en
}
