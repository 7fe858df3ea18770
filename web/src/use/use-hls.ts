/** Loads the road of LL-HLS when it is needed for the first time, and plays by it while it is wanted. */
import { ref } from 'vue'
import type { HlsPhase } from '../lib/media/hls-player'
import type { AttachedEngine } from './hls-engine'
import { realTimers } from './timers'

/** A chunk that could not be loaded is tried again after this, ms. */
const LOAD_AGAIN_MS = 2_000

type HlsRoad = ReturnType<(typeof import('./hls-road'))['createHlsRoad']>

/** `onThinLine` is called when the line does not carry the video. */
export function useHls(
  playlist: string,
  onEngine: (engine: AttachedEngine) => void,
  onThinLine: () => void = () => undefined,
) {
  const phase = ref<HlsPhase>('idle')
  let wanted = false
  let held = false
  let road: HlsRoad | null = null

  async function load(): Promise<HlsRoad | null> {
    try {
      const { createHlsRoad } = await import('./hls-road')
      road ??= createHlsRoad(playlist, onEngine, (next) => (phase.value = next), onThinLine)
    } catch {
      return null
    }
    road.player.hold(held)
    return road
  }
  async function start(): Promise<void> {
    wanted = true
    phase.value = 'loading'
    const loaded = await load()
    if (!wanted) return
    if (loaded) return loaded.player.start()
    phase.value = 'lost'
    realTimers.after(LOAD_AGAIN_MS, () => {
      if (wanted) void start()
    })
  }

  return {
    phase,
    prepare: async () => (await load())?.prepare(),
    start,
    stop() {
      wanted = false
      road?.player.stop()
    },
    hold(next: boolean) {
      held = next
      road?.player.hold(next)
    },
    retryNow: () => road?.player.retryNow(),
  }
}
