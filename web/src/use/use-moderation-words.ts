/** The words of order in the chat join those of the page when a part of it is set up, after the first frame. */
import { useI18n } from 'vue-i18n'
import { en } from '../i18n/moderation.en'
import { zh } from '../i18n/moderation.zh'

export function useModerationWords(): void {
  const { mergeLocaleMessage } = useI18n({ useScope: 'global' })
  mergeLocaleMessage('zh', zh)
  mergeLocaleMessage('en', en)
}
