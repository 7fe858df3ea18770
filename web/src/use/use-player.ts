/** The picture of a room: lib/player on a real peer connection and a video element. */
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
      // Swapped in with the first track only, so that the last picture stands until the new one moves.
      if (event.track.kind === 'video') stream.value = pending
    },
  })

  const poke = () => player.poke()
  const leave = () => player.stop()
  const comeBack = (event: PageTransitionEvent) => {
    if (event.persisted) player.start()
  }
  const forget = [onNetworkChange(() => player.networkChanged()), onSeenAgain(() => player.poke())]
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', comeBack)
  onScopeDispose(() => {
    for (const end of forget) end()
    window.removeEventListener('pagehide', leave)
    window.removeEventListener('pageshow', comeBack)
    player.stop()
  })

  return {
    phase,
    stream,
    layers,
    poke,
    hold: (held: boolean) => player.hold(held),
    start() {
      if (supported) player.start()
      else phase.value = 'unsupported'
    },
    stop: leave,
  }
}
