/** Whether viewers can decode what the host sends, from a browser or an encoder, as the server sees it. */
import { onScopeDispose, ref } from 'vue'
import type { Api } from '../lib/base/api'
import type { Undecodable } from '../lib/base/bodies'
import type { Timers } from '../lib/base/timers'
import { realTimers } from './timers'

const ASK_EVERY_MS = 4_000

/** Why viewers can not: null while they can, or while no host is here. */
export function useUndecodable(roomId: string, api: Pick<Api, 'liveStats'>, timers: Timers = realTimers) {
  const undecodable = ref<Undecodable | null>(null)
  let cancel: () => void = () => undefined
  let ended = false

  async function ask(): Promise<void> {
    let found: Undecodable | null = null
    try {
      found = (await api.liveStats(roomId)).undecodable
    } catch {
      // No host is here, or the server is away: other notices say that.
    }
    if (ended) return
    undecodable.value = found
    cancel = timers.after(ASK_EVERY_MS, () => void ask())
  }
  void ask()
  onScopeDispose(() => {
    ended = true
    cancel()
  })
  return undecodable
}
