/** The words of flash sales, which come with their parts and not with the page. */
import { useI18n } from 'vue-i18n'
import { useWords } from '../../../use/use-words'
import { en } from './words.en'
import { zh } from './words.zh'

export function useFlashWords(): ReturnType<typeof useWords> {
  const { mergeLocaleMessage } = useI18n({ useScope: 'global' })
  mergeLocaleMessage('zh', zh)
  mergeLocaleMessage('en', en)
  return useWords()
}
