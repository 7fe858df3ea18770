/** Plays HLS in a video element: by hls.js, loaded when it is needed, or by the browser itself where it has no Media Source. */
import type { EngineListener, HlsEngine } from '../lib/media/hls-player'
import { mediaTime } from '../lib/media/program-time'
import type { StageSource } from './stage-source'

const MEDIA_TYPE = 'application/vnd.apple.mpegurl'
/** Faster playback makes up for what a stall cost; more than this is heard. */
const CATCH_UP_RATE = 1.05
/** What is kept behind the playback position, s. */
const BACK_BUFFER_S = 8
const HAVE_CURRENT_DATA = 2

type HlsClass = typeof import('hls.js/light').default
let loading: Promise<HlsClass> | null = null

/** Load hls.js; once it is there, again and again the same. */
export function loadHls(): Promise<HlsClass> {
  loading ??= import('hls.js/light').then(
    (module) => module.default,
    (error: unknown) => {
      loading = null // the network may be back for the next attempt
      throw error
    },
  )
  return loading
}

const hasMediaSource = () => 'MediaSource' in window || 'ManagedMediaSource' in window
/** Whether the browser itself has to play it. */
export const isNative = () =>
  !hasMediaSource() && document.createElement('video').canPlayType(MEDIA_TYPE) !== ''

/** Whether this browser can play HLS at all. */
export const isHlsSupported = () => hasMediaSource() || isNative()

/** An engine that begins when `attach` is called. */
export type AttachedEngine = HlsEngine & StageSource
/** Safari's: the program date of position 0. */
type WithStartDate = HTMLVideoElement & { getStartDate?: () => Date }

export function createHlsEngine(url: string, listener: EngineListener): AttachedEngine {
  let element: HTMLVideoElement | null = null
  let ended = false
  let detach: () => void = () => undefined
  /** The program date of a position in s, ms. */
  let dateOf = (_position_s: number): number => NaN

  function listen(video: HTMLVideoElement): () => void {
    const playing = () => listener.onPlaying()
    const failed = () => listener.onFailed()
    const stalled = () => {
      if (!video.paused && !video.seeking) listener.onStall()
    }
    const events = { loadeddata: playing, ended: failed, waiting: stalled }
    for (const [name, callback] of Object.entries(events)) video.addEventListener(name, callback)
    return () => {
      for (const [name, callback] of Object.entries(events)) video.removeEventListener(name, callback)
    }
  }

  async function playByHlsJs(video: HTMLVideoElement): Promise<void> {
    const Hls = await loadHls()
    if (ended) return
    const hls = new Hls({
      enableWorker: false, // of blob: URLs, which the page's security policy has none of
      lowLatencyMode: true,
      maxLiveSyncPlaybackRate: CATCH_UP_RATE,
      backBufferLength: BACK_BUFFER_S,
      capLevelToPlayerSize: true,
    })
    let recovered = false
    hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal) return
      if (type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
        recovered = true
        hls.recoverMediaError()
      } else listener.onFailed()
    })
    hls.loadSource(url)
    hls.attachMedia(video)
    dateOf = (position_s) => (hls.playingDate?.getTime() ?? NaN) + (position_s - video.currentTime) * 1_000
    const before = detach
    detach = () => {
      before()
      hls.destroy()
    }
  }

  function playNatively(video: HTMLVideoElement): void {
    const failed = () => listener.onFailed()
    video.addEventListener('error', failed)
    video.src = url
    const start_ms = () => (video as WithStartDate).getStartDate?.().getTime() ?? NaN
    dateOf = (position_s) => start_ms() + position_s * 1_000
    const before = detach
    detach = () => {
      before()
      video.removeEventListener('error', failed)
      video.removeAttribute('src')
      video.load()
    }
  }

  return {
    attach(video) {
      if (ended || element) return
      element = video
      video.srcObject = null
      detach = listen(video)
      if (isNative()) playNatively(video)
      else playByHlsJs(video).catch(() => listener.onFailed())
    },
    mediaTime(position_s) {
      const date_ms = dateOf(position_s)
      return Number.isFinite(date_ms) ? mediaTime(date_ms) : null
    },
    position: () =>
      element && !element.paused && element.readyState >= HAVE_CURRENT_DATA ? element.currentTime : null,
    end() {
      ended = true
      detach()
    },
  }
}
