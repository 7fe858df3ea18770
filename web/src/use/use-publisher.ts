/** The host's live: lib/media/publisher on a real peer connection, with the screen kept awake. */
import { onScopeDispose, ref } from 'vue'
import type { Api } from '../lib/base/api'
import { Publisher, type PublisherPhase } from '../lib/media/publisher'
import { VerdictFilter, type Uplink, type Verdict } from '../lib/media/uplink'
import { keepAwake } from './keep-awake'
import { onNetworkChange, onSeenAgain } from './network'
import { realTimers } from './timers'

export function usePublisher(roomId: string, api: Api, token: () => string | null) {
  const phase = ref<PublisherPhase>('idle')
  const refusedStatus = ref(0)
  const uplink = ref<Uplink | null>(null)
  const verdict = ref<Verdict | null>(null)
  let filter = new VerdictFilter()

  const publisher = new Publisher(`/live/${encodeURIComponent(roomId)}/whip`, {
    fetch: (url, init) => fetch(url, init),
    timers: realTimers,
    random: Math.random,
    createPeer: (iceServers) => new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers }),
    token,
    async roomState() {
      try {
        const { state, rehearsal } = await api.room(roomId)
        return rehearsal ? 'live' : state
      } catch {
        return null
      }
    },
    videoCodecs: () => RTCRtpSender.getCapabilities('video')?.codecs ?? [],
    onPhase(next, why) {
      phase.value = next
      refusedStatus.value = why?.status ?? 0
      if (next === 'live') return
      filter = new VerdictFilter()
      uplink.value = null
      verdict.value = null
    },
    onUplink(next) {
      uplink.value = next
      verdict.value = filter.sample(next)
    },
  })

  const leave = () => publisher.stop()
  const unsubscribe = [
    onNetworkChange(() => publisher.networkChanged()),
    onSeenAgain(() => publisher.retryNow()),
  ]
  window.addEventListener('pagehide', leave)
  keepAwake(() => phase.value === 'live' || phase.value === 'lost' || phase.value === 'connecting')
  onScopeDispose(() => {
    for (const end of unsubscribe) end()
    window.removeEventListener('pagehide', leave)
    publisher.stop()
  })

  return {
    phase,
    refusedStatus,
    uplink,
    verdict,
    start: (stream: MediaStream) => publisher.start(stream),
    replace: (stream: MediaStream) => publisher.replace(stream),
    stop: leave,
  }
}
