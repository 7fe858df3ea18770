/** The words about phone number and flat, for pages that need them only once an order asks. */
import { useI18n } from 'vue-i18n'
import { householdWords } from '../i18n'

export function useHouseholdWords(): () => Promise<void> {
  const { mergeLocaleMessage } = useI18n()
  return async () => {
    const { words } = await householdWords()
    mergeLocaleMessage('zh', words.zh)
    mergeLocaleMessage('en', words.en)
  }
}
