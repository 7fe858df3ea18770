/** Words of a part that is loaded later than its page, added when the part is first set up. */
import { useI18n } from 'vue-i18n'
import type { PageWords } from '../i18n'

export function useLaterWords(words: PageWords): void {
  const { mergeLocaleMessage } = useI18n({ useScope: 'global' })
  for (const [locale, messages] of Object.entries(words)) mergeLocaleMessage(locale, messages)
}
