/** The two languages: chosen by the browser, switchable, remembered. A page brings its own words. */
import { createI18n } from 'vue-i18n'
import { type Locale, pickLocale } from '../lib/base/locale'

const STORAGE_KEY = 'linli.locale'

/** Texts by section and key. */
export type Words = Record<string, Record<string, string>>
export type PageWords = Record<Locale, Words>

/** The plugin of a page with these words, in the reader's language. */
export function createWords(words: PageWords) {
  const locale = pickLocale(localStorage.getItem(STORAGE_KEY), navigator.languages)
  declareLanguage(locale)
  return createI18n({ legacy: false, locale, fallbackLocale: 'zh', messages: words })
}

/** Keep the reader's choice for every page of this browser. */
export function rememberLocale(locale: Locale): void {
  localStorage.setItem(STORAGE_KEY, locale)
  declareLanguage(locale)
}

function declareLanguage(locale: Locale): void {
  document.documentElement.lang = locale === 'zh' ? 'zh-CN' : 'en'
}
