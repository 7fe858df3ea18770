/** The delivery walk: what a leader takes along, and what comes back because nobody was at home. */
import { ref } from 'vue'
import type { Api } from '../../lib/base/api'

export function useWalk(estateId: string, api: Api, onMoved: () => void) {
  const path = `/api/leader/estates/${encodeURIComponent(estateId)}/walk`
  const busy = ref(false)
  const failed = ref(false)

  async function send(to: string, order_ids: string[]): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      await api.send('POST', to, { order_ids })
      failed.value = false
      onMoved()
    } catch {
      failed.value = true
    } finally {
      busy.value = false
    }
  }
  return {
    busy,
    failed,
    goOut: (ids: string[]) => send(path, ids),
    comeBack: (ids: string[]) => send(`${path}/back`, ids),
  }
}
export type WalkModel = ReturnType<typeof useWalk>
