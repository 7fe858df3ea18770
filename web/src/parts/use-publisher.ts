/** Going live: lib/publisher on a real peer connection, with the screen kept awake. */
import { onScopeDispose, ref, watch } from 'vue'
import type { Api } from '../lib/api'
import { Publisher, type PublisherPhase, type UplinkStats } from '../lib/publisher'
import { realTimers } from './timers'

export function usePublisher(roomId: string, api: Api, token: () => string | null) {
  const phase = ref<PublisherPhase>('idle')
  const refusedStatus = ref(0)
  const stats = ref<UplinkStats | null>(null)

  const publisher = new Publisher(`/live/${encodeURIComponent(roomId)}/whip`, {
    fetch: (url, init) => fetch(url, init),
    timers: realTimers,
    random: Math.random,
    createPeer: (iceServers) => new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers }),
    token,
    async roomState() {
      try {
        return (await api.room(roomId)).state
      } catch {
        return null
      }
    },
    videoCodecs: () => RTCRtpSender.getCapabilities('video')?.codecs ?? [],
    onPhase(next, why) {
      phase.value = next
      refusedStatus.value = why?.status ?? 0
      if (next !== 'live') stats.value = null
    },
    onStats: (next) => (stats.value = next),
  })

  const poke = () => publisher.poke()
  const leave = () => publisher.stop()
  window.addEventListener('online', poke)
  window.addEventListener('pagehide', leave)
  keepAwake(() => phase.value === 'live' || phase.value === 'lost' || phase.value === 'connecting')
  onScopeDispose(() => {
    window.removeEventListener('online', poke)
    window.removeEventListener('pagehide', leave)
    publisher.stop()
  })

  return {
    phase,
    refusedStatus,
    stats,
    start: (stream: MediaStream) => publisher.start(stream),
    replace: (stream: MediaStream) => publisher.replace(stream),
    stop: leave,
  }
}

/** A phone that falls asleep takes the live with it. The lock ends with the page's visibility and is taken again. */
function keepAwake(wanted: () => boolean): void {
  let lock: WakeLockSentinel | null = null
  const settle = async () => {
    try {
      if (wanted() && !document.hidden && !lock) {
        lock = await navigator.wakeLock?.request('screen')
        lock?.addEventListener('release', () => (lock = null))
      } else if (!wanted()) await lock?.release()
    } catch {
      // Low battery: the system refuses; the live goes on as long as the screen does.
    }
  }
  watch(wanted, settle)
  document.addEventListener('visibilitychange', settle)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', settle)
    void lock?.release()
  })
}
