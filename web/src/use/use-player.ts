/** The live of a room: lib/media/player on a real peer connection. */
import { onScopeDispose, ref, shallowRef } from 'vue'
import { Player, type PlayerPhase } from '../lib/media/player'
import { onNetworkChange, onSeenAgain } from './network'
import { realTimers } from './timers'
import { useLayers } from './use-layers'

export function usePlayer(roomId: string, token: () => string | null) {
  const phase = ref<PlayerPhase>('idle')
  const stream = shallowRef<MediaStream | null>(null)
  const supported = typeof RTCPeerConnection === 'function'

  const layers = useLayers()
  let pending = new MediaStream()
  const player = new Player(`/live/${encodeURIComponent(roomId)}/whep`, {
    fetch: (url, init) => fetch(url, init),
    timers: realTimers,
    random: Math.random,
    createPeer(iceServers) {
      const next = new MediaStream()
      pending = next
      return new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers })
    },
    token,
    onPhase(next) {
      phase.value = next
      if (next === 'playing') layers.begin(player.layers)
      else layers.end()
    },
    onTrack(event) {
      pending.addTrack(event.track)
      // Swapped in with the first track only, so that the last frame stays until the new video plays.
      if (event.track.kind === 'video') stream.value = pending
    },
  })

  const retryNow = () => player.retryNow()
  const leave = () => player.stop()
  const restore = (event: PageTransitionEvent) => {
    if (event.persisted) player.start()
  }
  const unsubscribe = [onNetworkChange(() => player.networkChanged()), onSeenAgain(() => player.retryNow())]
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', restore)
  onScopeDispose(() => {
    for (const end of unsubscribe) end()
    window.removeEventListener('pagehide', leave)
    window.removeEventListener('pageshow', restore)
    player.stop()
  })

  return {
    phase,
    stream,
    layers,
    retryNow,
    hold: (held: boolean) => player.hold(held),
    start() {
      if (supported) player.start()
      else phase.value = 'unsupported'
    },
    stop: leave,
  }
}
export type PlayerModel = ReturnType<typeof usePlayer>
