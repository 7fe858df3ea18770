/** What the server wrote into the page stays until there is something better to see. */
import { watch } from 'vue'
import type { RoomPage } from './use-room-page'

export function useShell({ room, missing }: RoomPage): void {
  const { away, phase } = room.channel
  watch(
    () => room.ready.value || missing.value || away.value || phase.value === 'closed',
    (now) => {
      if (now) document.getElementById('shell')?.remove()
    },
    { flush: 'post', immediate: true },
  )
}
