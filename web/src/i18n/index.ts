/** The two languages: chosen by the browser, switchable, remembered. A page brings its own words. */
import { createI18n } from 'vue-i18n'
import { type Locale, pickLocale } from '../lib/base/locale'

/** Under this key a reader's choice is kept. */
export const LOCALE_KEY = 'linli.locale'

/** Texts by section and key. */
export type Words = Record<string, Record<string, string>>
export type PageWords = Record<Locale, Words>

/** The plugin of a page with these words, in the `remembered` language or one of the browser's. */
export function createWords(words: PageWords, remembered: string | null) {
  const locale = pickLocale(remembered, navigator.languages)
  declareLanguage(locale)
  return createI18n({ legacy: false, locale, fallbackLocale: 'zh', messages: words })
}

/** Say which language the page is in. */
export function declareLanguage(locale: Locale): void {
  document.documentElement.lang = locale === 'zh' ? 'zh-CN' : 'en'
}

/** Words that a page loads once they are needed. */
export const householdWords = () => import('./household')
