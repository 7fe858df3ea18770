/** A room's title, store and estates; retried until they are fetched. */
import { onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import { type Api, Refused } from '../lib/base/api'
import type { Room } from '../lib/base/bodies'
import { useWords } from './use-words'

/** Wait between attempts, ms. */
const RETRY_MS = 3000
/** A room that rehearses is looked at again after this, ms. */
const REHEARSAL_MS = 10_000

export function useRoomInfo(roomId: string, api: Api) {
  const { text } = useWords()
  const info = shallowRef<Room | null>(null)
  /** There is no such room. */
  const missing = ref(false)
  /** It rehearses, and this browser is not of its staff. */
  const closed = ref(false)
  /** The log-in by which this browser sees a rehearsal. */
  const staffToken = ref<string | null>(null)
  let timer = 0

  async function load(): Promise<void> {
    try {
      info.value = await api.room(roomId)
      // What stopped at the rehearsal begins anew.
      if (closed.value) window.location.reload()
      document.title = `${text(info.value.store.name)} · ${text(info.value.title)}`
    } catch (error) {
      if (error instanceof Refused && error.status === 404) missing.value = true
      else if (error instanceof Refused && error.kind === 'rehearsal') await rehearse()
      else timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }
  async function rehearse(): Promise<void> {
    const seen = await import('./staff-room').then(
      ({ staffRoom }) => staffRoom(roomId),
      () => null,
    )
    closed.value = seen === null
    if (!seen) return reload(REHEARSAL_MS)
    info.value = seen.room
    staffToken.value = seen.token
  }
  onMounted(load)
  onScopeDispose(() => clearTimeout(timer))
  /** Load it once more, after `ms`. */
  function reload(ms: number): void {
    clearTimeout(timer)
    timer = window.setTimeout(() => void load(), ms)
  }
  return { info, missing, closed, staffToken, reload }
}
