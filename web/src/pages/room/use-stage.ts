/** The stage of a room: plays while the host is live, and has a notice when it cannot. */
import { type ComputedRef, type Ref, computed, ref, watch } from 'vue'
import type { LiveState } from '../../lib/base/wire'
import type { Notice } from '../../parts/room/StageNotice.vue'
import type { PlayerModel } from '../../use/use-player'

/** `ready`: the room's first snapshot is here. */
export function useStage(player: PlayerModel, liveState: ComputedRef<LiveState>, ready: Ref<boolean>) {
  const playing = computed(() => player.phase.value === 'playing')
  const notice = computed<Notice | null>(() => {
    if (liveState.value === 'over') return 'over'
    if (liveState.value === 'paused') return 'paused'
    switch (player.phase.value) {
      case 'playing':
        return null
      case 'not_live':
        return 'not_live'
      case 'lost':
      case 'blocked':
      case 'unsupported':
      case 'webrtc_only':
        return player.phase.value
      default:
        return ready.value && liveState.value === 'scheduled' ? 'not_live' : 'connecting'
    }
  })
  watch(liveState, (now, before) => {
    player.hold(now === 'paused')
    if (before === 'paused') player.layers.hostReturned()
    if (now === 'over') player.stop()
    else if (now === 'live' && before === 'over') player.start()
    else if (now === 'live') player.retryNow()
  })
  return { playing, notice, muted: ref(true), landscape: ref(false) }
}
