/** Begins and ends the explanation of the card on top. */
import { computed, ref, type Ref } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import { explain } from '../../lib/base/replay-api'
import type { RoomState } from '../../lib/base/wire'
import { explainButton } from '../../lib/room/explanation'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'

export function useExplanation(roomId: string, api: Api, state: Readonly<Ref<RoomState>>) {
  const { t } = useWords()
  const busy = ref(false)
  const button = computed(() => explainButton(state.value))

  async function toggle(): Promise<void> {
    const now = button.value
    if (now.refusal || busy.value) return
    busy.value = true
    try {
      await explain(api, roomId, now.pressed ? null : now.card.product.id)
    } catch (error) {
      const notLive = error instanceof Refused && error.kind === 'not-live'
      notify(t(notLive ? 'host.explain_not_live' : 'host.explain_failed'))
    } finally {
      busy.value = false
    }
  }
  return { button, busy, toggle }
}
