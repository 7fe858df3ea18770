/** A room's title, store and estates; retried until they are fetched. */
import { onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import type { Room } from '../lib/base/bodies'
import { useWords } from './use-words'

/** Wait between attempts, ms. */
const RETRY_MS = 3000

export function useRoomInfo(roomId: string, api: Api) {
  const { text } = useWords()
  const info = shallowRef<Room | null>(null)
  /** There is no such room. */
  const missing = ref(false)
  let timer = 0

  async function load(): Promise<void> {
    try {
      info.value = await api.room(roomId)
      document.title = `${text(info.value.store.name)} · ${text(info.value.title)}`
    } catch (error) {
      if (error instanceof Refused && error.status === 404) missing.value = true
      else timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }
  onMounted(load)
  onScopeDispose(() => clearTimeout(timer))
  /** Load it once more, after `ms`. */
  function reload(ms: number): void {
    clearTimeout(timer)
    timer = window.setTimeout(() => void load(), ms)
  }
  return { info, missing, reload }
}
