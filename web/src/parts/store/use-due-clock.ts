/** The time left until orders are due, or by how much they are late, in words. */
import { type Ref, computed } from 'vue'
import { countdown, elapsed } from '../../lib/room/clock'
import type { AtMs } from '../../lib/base/wire'
import { useWords } from '../../use/use-words'

export function useDueClock(due: Ref<AtMs | null>, at_ms: () => AtMs) {
  const { t } = useWords()
  return computed(() => {
    if (due.value === null) return ''
    return due.value >= at_ms()
      ? t('store.left', { time: countdown(due.value, at_ms()) })
      : t('store.late', { time: elapsed(due.value, at_ms()) })
  })
}
