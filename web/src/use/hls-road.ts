/** The road of LL-HLS, a chunk of its own: most viewers never need it. */
import { HlsPlayer, type HlsPhase, checkPlaylist } from '../lib/media/hls-player'
import { type AttachedEngine, createHlsEngine, isHlsSupported, isNative, loadHls } from './hls-engine'
import { realTimers } from './timers'

interface HlsRoad {
  /** Load what this browser needs, and have the server begin to package the live. */
  prepare: () => void
  player: HlsPlayer
}

/** `onEngine` gets what is to be attached to the video element. */
export function createHlsRoad(
  playlist: string,
  onEngine: (engine: AttachedEngine) => void,
  onPhase: (phase: HlsPhase) => void,
  onThinLine: () => void,
): HlsRoad {
  const world = { fetch: (url: string, init?: RequestInit) => fetch(url, init), timers: realTimers }
  return {
    prepare() {
      if (!isHlsSupported()) return
      if (!isNative()) loadHls().catch(() => undefined)
      checkPlaylist(world.fetch, playlist).catch(() => undefined)
    },
    player: new HlsPlayer(playlist, {
      ...world,
      random: Math.random,
      supported: isHlsSupported,
      createEngine(url, listener) {
        const engine = createHlsEngine(url, listener)
        onEngine(engine)
        return engine
      },
      onPhase,
      onThinLine,
    }),
  }
}
