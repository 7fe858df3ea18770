/** Begins and ends the explanation of the card on top; what has begun outlives a reload of the page. */
import { computed, ref, watch, type Ref } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import type { RecordingStatus } from '../../lib/base/bodies'
import { explain } from '../../lib/base/replay-api'
import type { RoomState } from '../../lib/base/wire'
import { explainButton, explanationId } from '../../lib/room/explanation'
import { storage } from '../../use/storage'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'

export function useExplanation(
  roomId: string,
  api: Api,
  state: Readonly<Ref<RoomState>>,
  recording: Readonly<Ref<RecordingStatus | null>>,
) {
  const { t } = useWords()
  const key = `linli.explaining.${roomId}`
  const begun = ref(storage.getItem(key))
  const busy = ref(false)
  const button = computed(() => explainButton(state.value, recording.value, begun.value))
  const possible = computed(() => explanationId(state.value))

  function keep(id: string | null): void {
    begun.value = id
    if (id === null) storage.removeItem(key)
    else storage.setItem(key, id)
  }
  watch(possible, (id) => begun.value !== id && keep(null))

  async function toggle(): Promise<void> {
    const now = button.value
    if (now.refusal || busy.value) return
    busy.value = true
    try {
      await explain(api, roomId, now.pressed ? null : now.card.product.id)
      keep(now.pressed || possible.value !== now.id ? null : now.id)
    } catch (error) {
      const notRecorded = error instanceof Refused && error.kind === 'not-recorded'
      notify(t(notRecorded ? 'host.explain_not_recorded' : 'host.explain_failed'))
    } finally {
      busy.value = false
    }
  }
  return { button, busy, toggle }
}
