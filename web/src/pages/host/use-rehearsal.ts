/** Sends what only the staff of the brand sees, and from there goes on air. */
import { type ShallowRef, ref, watch } from 'vue'
import { type Api, Refused } from '../../lib/base/api'
import type { Room } from '../../lib/base/bodies'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'
import type { useAir } from './use-air'

type Air = Pick<ReturnType<typeof useAir>, 'goLive' | 'onAir' | 'started_at_ms'>

export function useRehearsal(
  roomId: string,
  api: Pick<Api, 'send'>,
  info: Readonly<ShallowRef<Room | null>>,
  { goLive, onAir, started_at_ms }: Air,
) {
  const { t } = useWords()
  const path = `/api/rooms/${encodeURIComponent(roomId)}/rehearsal`
  const rehearses = ref(false)
  const busy = ref(false)
  watch(info, (now) => (rehearses.value = now?.rehearsal === true))

  async function change(method: 'PUT' | 'DELETE'): Promise<boolean> {
    busy.value = true
    try {
      await api.send(method, path)
      rehearses.value = method === 'PUT'
      return true
    } catch (error) {
      notify(t(error instanceof Refused && error.kind === 'on-air' ? 'rehearsal.on_air' : 'rehearsal.failed'))
      return false
    } finally {
      busy.value = false
    }
  }

  /** Send to the staff alone; goes on where it was when the page was closed. */
  async function begin(): Promise<void> {
    if (rehearses.value || (await change('PUT'))) goLive()
  }

  /** The room is open, and what is sent already is on air. */
  async function open(serverTime: number): Promise<void> {
    if (!(await change('DELETE'))) return
    if (onAir.value) started_at_ms.value = serverTime
    else goLive()
    notify(t('rehearsal.opened'))
  }

  /** `end` ends what is sent, and with it the rehearsal. */
  async function endWith(end: () => Promise<boolean>): Promise<void> {
    if (await end()) rehearses.value = false
  }

  return { rehearses, busy, begin, open, endWith }
}
