/** The languages: chosen by the browser, switchable, remembered. */
import { createI18n } from 'vue-i18n'
import { pickLocale } from '../lib/base/locale'
import type { Locale } from '../lib/base/locale'
import { en } from './en'
import { zh } from './zh'

const STORAGE_KEY = 'linli.locale'

export const i18n = createI18n({
  legacy: false,
  locale: pickLocale(localStorage.getItem(STORAGE_KEY), navigator.languages),
  fallbackLocale: 'zh',
  messages: { zh, en },
})
document.documentElement.lang = i18n.global.locale.value === 'zh' ? 'zh-CN' : 'en'

/** Speak `locale` from now on, on every page of this browser. */
export function speak(locale: Locale): void {
  i18n.global.locale.value = locale
  localStorage.setItem(STORAGE_KEY, locale)
  document.documentElement.lang = locale === 'zh' ? 'zh-CN' : 'en'
}
