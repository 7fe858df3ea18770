/** The live of a room, by whichever road brings it: lib/media/player on a real peer connection, or lib/media/hls-player. */
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { Player, type PlayerPhase } from '../lib/media/player'
import { type Road, RoadSelector, stagePhase } from '../lib/media/road'
import { onNetworkChange, onSeenAgain } from './network'
import { type StageSource, fromStream, onNextFrame } from './stage-source'
import { realTimers } from './timers'
import { useHls } from './use-hls'
import { useLayers } from './use-layers'

export function usePlayer(roomId: string, token: () => string | null) {
  const webrtcPhase = ref<PlayerPhase>('idle')
  const road = ref<Road>('webrtc')
  const source = shallowRef<StageSource | null>(null)
  let element: HTMLVideoElement | null = null
  const live = `/live/${encodeURIComponent(roomId)}`

  const layers = useLayers()
  let pending = new MediaStream()
  const player = new Player(`${live}/whep`, {
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
      webrtcPhase.value = next
      if (next === 'playing') layers.begin(player.layers)
      else layers.end()
      roads.webrtc(next)
    },
    onIceConnected: () => roads.iceConnected(),
    onTrack(event) {
      pending.addTrack(event.track)
      // Swapped in with the first track only, so that the last frame stays until the new video plays.
      if (event.track.kind === 'video' && road.value === 'webrtc') source.value = fromStream(pending)
    },
  })
  const hls = useHls(
    `${live}/hls/index.m3u8`,
    (engine) => (source.value = engine),
    () => listen(true),
  )
  watch(hls.phase, (phase) => player.probe(phase === 'playing'), { flush: 'sync' })
  /** The sound alone, for lines that carry no more. */
  const sound = useHls(`${live}/hls/audio.m3u8`, (engine) => (source.value = engine))
  const soundOnly = ref(false)
  const roads = new RoadSelector({
    timers: realTimers,
    prepareHls: () => void hls.prepare(),
    take(next) {
      road.value = next
      if (next === 'hls') return void hls.start()
      hls.stop()
      if (webrtcPhase.value === 'playing') source.value = fromStream(pending)
    },
  })

  const start = () => {
    if (soundOnly.value) return void sound.start()
    if (typeof RTCPeerConnection === 'function') return player.start()
    webrtcPhase.value = 'unsupported'
    roads.webrtc('unsupported')
  }
  const stop = () => {
    player.stop()
    sound.stop()
  }
  const retryNow = () => {
    player.retryNow()
    hls.retryNow()
    sound.retryNow()
  }
  /** Play the sound alone, or all of it again. */
  function listen(only: boolean): void {
    if (only === soundOnly.value) return
    stop()
    soundOnly.value = only
    start()
  }
  watch(sound.phase, (phase) => {
    // The live has no HLS: its sound comes with the video only.
    if (phase === 'no_hls' || phase === 'unsupported') listen(false)
  })
  const restore = (event: PageTransitionEvent) => {
    if (event.persisted) start()
  }
  const unsubscribe = [
    onNetworkChange(() => {
      player.networkChanged()
      hls.retryNow()
      sound.retryNow()
    }),
    onSeenAgain(retryNow),
  ]
  window.addEventListener('pagehide', stop)
  window.addEventListener('pageshow', restore)
  onScopeDispose(() => {
    for (const end of unsubscribe) end()
    window.removeEventListener('pagehide', stop)
    window.removeEventListener('pageshow', restore)
    stop()
  })

  const phase = computed(() =>
    soundOnly.value
      ? stagePhase('hls', webrtcPhase.value, sound.phase.value)
      : stagePhase(road.value, webrtcPhase.value, hls.phase.value),
  )
  return {
    phase,
    road,
    source,
    /** Play `source` in this element. */
    attach(video: HTMLVideoElement) {
      element = video
      source.value?.attach(video)
    },
    /** Call back once with the media time of the frame that is shown next, null where nobody knows it. */
    nextFrame: (callback: (media_time: number | null) => void) =>
      onNextFrame(element, phase.value === 'playing' ? source.value : null, callback),
    /** Whether frames are to come: a stall ends. */
    expectsFrames: () =>
      phase.value === 'playing' && !document.hidden && element !== null && !element.paused && !element.ended,
    layers,
    soundOnly,
    listen,
    retryNow,
    hold(held: boolean) {
      player.hold(held)
      hls.hold(held)
      sound.hold(held)
      roads.hold(held)
    },
    start,
    stop,
  }
}
export type PlayerModel = ReturnType<typeof usePlayer>
