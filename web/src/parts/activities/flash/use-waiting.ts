/** Where this household is in the waiting list of a flash sale. */
import { ref, watch } from 'vue'
import { Refused } from '../../../lib/base/api'
import type { AtMs, Flash } from '../../../lib/base/wire'
import type { ActivitiesModel } from '../../../use/use-activities'

export interface Waiting {
  place: number
  state: 'waiting' | 'offered' | 'taken' | 'lapsed'
  until_ms: AtMs | null
}

export function useWaiting({ roomId, api, identity }: ActivitiesModel, flash: () => Flash) {
  const waiting = ref<Waiting | null>(null)
  const trouble = ref<'wait_failed' | 'wait_full' | null>(null)
  const busy = ref(false)
  const path = () =>
    `/api/rooms/${encodeURIComponent(roomId)}/flash-sales/${encodeURIComponent(flash().id)}/waiting`

  async function refresh(): Promise<void> {
    if (!identity.known()) return
    const asked = path()
    try {
      const found = await api.get<{ waiting: Waiting | null }>(asked)
      if (asked === path()) waiting.value = found.waiting
    } catch {
      // It is asked again when the list moves on.
    }
  }
  watch(
    () => flash().id,
    () => {
      waiting.value = null
      void refresh()
    },
    { immediate: true },
  )
  // Only who has just been served asks, so a long list does not ask all at once.
  watch(
    () => flash().served,
    (served) => waiting.value?.state === 'waiting' && served >= waiting.value.place && void refresh(),
  )

  function join(): void {
    identity.require(async () => {
      if (busy.value) return
      busy.value = true
      trouble.value = null
      try {
        waiting.value = await api.send<Waiting>('PUT', path())
      } catch (error) {
        trouble.value =
          error instanceof Refused && error.kind === 'waiting-full' ? 'wait_full' : 'wait_failed'
      } finally {
        busy.value = false
      }
    })
  }
  return { waiting, trouble, busy, join, refresh }
}
