/** Words, localised text and money in the reader's language. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { LOCALE_KEY, declareLanguage } from '../i18n'
import { dayAndTime, timeOfDay } from '../lib/room/clock'
import { localText } from '../lib/base/locale'
import { money } from '../lib/shop/money'
import type { AtMs, Fen, LocalText } from '../lib/base/wire'
import type { Locale } from '../lib/base/locale'
import { storage } from './storage'

/** A time of day this long ago is of the day that people think of, ms. */
const CLEAR_MS = 12 * 3_600_000

export function useWords() {
  const { t, te, locale: chosen } = useI18n()
  const locale = computed(() => chosen.value as Locale)
  return {
    t,
    te,
    locale,
    /** Switch to `next`, on every page of this browser. */
    speak(next: Locale): void {
      chosen.value = next
      storage.setItem(LOCALE_KEY, next)
      declareLanguage(next)
    },
    text: (value: LocalText | null | undefined) => localText(value, locale.value),
    price: (fen: Fen) => money(fen, locale.value),
    time: (at_ms: AtMs) => timeOfDay(at_ms, locale.value),
    day: (at_ms: AtMs) => dayAndTime(at_ms, locale.value),
    /** The time, with the day where that is not clear. */
    when: (at_ms: AtMs) => (Date.now() - at_ms < CLEAR_MS ? timeOfDay : dayAndTime)(at_ms, locale.value),
  }
}
