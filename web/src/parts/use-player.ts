/** The picture of a room: lib/player on a real peer connection and a video element. */
import { onScopeDispose, ref, shallowRef } from 'vue'
import { Player, type PlayerPhase } from '../lib/player'
import { realTimers } from './timers'

export function usePlayer(roomId: string, token: () => string | null) {
  const phase = ref<PlayerPhase>('idle')
  const stream = shallowRef<MediaStream | null>(null)
  const supported = typeof RTCPeerConnection === 'function'

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
  window.addEventListener('online', poke)
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', comeBack)
  onScopeDispose(() => {
    window.removeEventListener('online', poke)
    window.removeEventListener('pagehide', leave)
    window.removeEventListener('pageshow', comeBack)
    player.stop()
  })

  return {
    phase,
    stream,
    poke,
    hold: (held: boolean) => player.hold(held),
    start() {
      if (supported) player.start()
      else phase.value = 'unsupported'
    },
    stop: leave,
  }
}
